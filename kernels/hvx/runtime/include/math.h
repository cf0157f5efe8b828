/* SPDX-License-Identifier: MIT */
/* math.h - declarations, so that the references compile for Hexagon. Only what is defined in libc.c may be reached. */
#ifndef QFK_RT_MATH_H
#define QFK_RT_MATH_H

float fminf(float a, float b);
float fmaxf(float a, float b);
float expf(float x);
float tanhf(float x);
float erff(float x);
long lrintf(float x);
long lrint(double x);
long long llrint(double x);
double rint(double x);
double round(double x);
double frexp(double x, int *exponent);
double ldexp(double x, int exponent);
double exp(double x);
double log(double x);
double floor(double x);
#define isnan(x) __builtin_isnan(x)

#endif
