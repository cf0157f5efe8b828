/* SPDX-License-Identifier: MIT */
/* math.h - declarations, so that the references compile for Hexagon. Only what is defined in libc.c and math.c may be reached. */
#ifndef QFK_RT_MATH_H
#define QFK_RT_MATH_H

#define QFK_RT_ONE(name)                                                                                     \
  double name(double x);                                                                                     \
  float name##f(float x);
#define QFK_RT_TWO(name)                                                                                     \
  double name(double a, double b);                                                                           \
  float name##f(float a, float b);
QFK_RT_ONE(exp)
QFK_RT_ONE(log)
QFK_RT_ONE(floor)
QFK_RT_ONE(ceil)
QFK_RT_ONE(sqrt)
QFK_RT_ONE(fabs)
QFK_RT_ONE(rint)
QFK_RT_ONE(round)
QFK_RT_ONE(sin)
QFK_RT_ONE(cos)
QFK_RT_ONE(tan)
QFK_RT_ONE(asin)
QFK_RT_ONE(acos)
QFK_RT_ONE(atan)
QFK_RT_ONE(sinh)
QFK_RT_ONE(cosh)
QFK_RT_ONE(tanh)
QFK_RT_ONE(asinh)
QFK_RT_ONE(acosh)
QFK_RT_ONE(atanh)
QFK_RT_ONE(erf)
QFK_RT_ONE(log1p)
QFK_RT_ONE(expm1)
QFK_RT_ONE(trunc)
QFK_RT_TWO(fmin)
QFK_RT_TWO(fmax)
QFK_RT_TWO(fmod)
QFK_RT_TWO(pow)
long lrintf(float x);
long lrint(double x);
long long llrint(double x);
double frexp(double x, int *exponent);
double ldexp(double x, int exponent);
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)

#endif
