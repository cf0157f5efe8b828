/* SPDX-License-Identifier: MIT */
/* tgmath.h - the functions by type that references use, for Hexagon. */
#ifndef QFK_RT_TGMATH_H
#define QFK_RT_TGMATH_H

#include <math.h>

#define floor(x) _Generic((x), float : floorf, default : floor)(x)
#define ceil(x) _Generic((x), float : ceilf, default : ceil)(x)
#define fmod(a, b) _Generic((a), float : fmodf, default : fmod)(a, b)
#define pow(a, b) _Generic((a), float : powf, default : pow)(a, b)

#endif
