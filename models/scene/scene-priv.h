/* SPDX-License-Identifier: MIT */
/*
 * scene-priv.h - what the files of the renderer share: random numbers, backgrounds, shapes, textures.
 * Integers, and doubles with + - * / and sqrt only, so that all machines agree on every byte.
 */
#ifndef QNNFLOW_SCENE_PRIV_H
#define QNNFLOW_SCENE_PRIV_H

#include <stdint.h>
#include "scene.h"

#define QF_SHAPE_TEX 256    /* texels a side of a shape's distance map */
#define QF_SHAPE_RADIUS 112 /* texels of the shape's radius 1 */
#define QF_SHAPE_UNITS 8 /* distance steps a texel; the map is clamped to -127..127 steps, positive inside */
#define QF_PATTERN_SIZE 64 /* texels a side of a pattern; it wraps around */
#define QF_N_PATTERNS 5

/* splitmix64: @state moves on. */
uint64_t qf_rng_next(uint64_t *state);
/* Uniform in low..high, both included. */
int32_t qf_rng_int(uint64_t *state, int32_t low, int32_t high);
/* Uniform in low..high. */
double qf_rng_real(uint64_t *state, double low, double high);

/* Sine of @turns * 2 pi, good to 1e-7. */
double qf_turn_sin(double turns);

/* A background as it is in one shot. Rows of it are indices into the palette. */
typedef struct {
  uint32_t kind;           /* 0 .. QF_SCENE_N_BACKGROUNDS - 1 */
  uint8_t colors[2][3];    /* Y, Cb, Cr of both ends of the palette */
  uint8_t palette[256][3]; /* Y, Cb, Cr */
  int32_t width, height;   /* of the frame */
  int32_t ax, ay,
      speed;      /* gradient: weight / 256 a pixel and a frame; zone: phase a squared pixel, a frame */
  int32_t cx, cy; /* zone: centre */
  uint64_t seed;  /* snow */
} QfBackground;

void qf_background_init(QfBackground *bg, uint32_t kind, uint64_t *rng, int32_t width, int32_t height);
/* Indices of @n pixels of row @y, @step frame pixels apart, @t frames into the shot. */
void qf_background_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n,
                       uint8_t *indices);
/* Nonzero when the palette holds a colour that is hard to tell from @color (Y, Cb, Cr). */
int qf_background_hides(const QfBackground *bg, const uint8_t *color);

/* A shape: a circle (points 0) or a polygon of 2 * points corners at radius 1 and `notch`, with a round hole. */
typedef struct {
  const char *label;
  int32_t points;
  double notch;                /* radius of the corners between the points */
  double hole;                 /* radius of the hole, 0: none */
  double aspect_lo, aspect_hi; /* stretch of the first axis against the second */
} QfShape;

/* Distance map and area of a shape; made once a scene. */
typedef struct {
  int8_t distance[QF_SHAPE_TEX * QF_SHAPE_TEX];
  double area; /* of the shape at radius 1 */
} QfShapeMap;

const QfShape *qf_shape_get(uint32_t class_id); /* NULL outside the range */
void qf_shape_map_init(QfShapeMap *map, const QfShape *shape);
/* Half extents of the shape about its centre, axes @rx and @ry, turned by (@c, @s): lo and hi in x, lo and hi in y. */
void qf_shape_bounds(const QfShape *shape, double rx, double ry, double c, double s, double bounds[4]);

/* A texture: weights of the second colour, 0..255. */
typedef struct {
  uint8_t weights[QF_PATTERN_SIZE * QF_PATTERN_SIZE];
} QfPattern;

void qf_pattern_init(QfPattern *pattern, uint32_t kind);
/* Bits of the texture coordinate (16.16 texels of the shape map) that one texel of the pattern takes, at least. */
int32_t qf_pattern_shift(uint32_t kind, uint64_t *rng);

#endif
