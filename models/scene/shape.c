/* SPDX-License-Identifier: MIT */
/*
 * shape.c - the classes of objects as a table, their distance maps, and the textures they wear.
 * A distance map holds, a texel, how deep inside the shape it lies: edges, outlines and smoothing all come from it.
 */
#include "scene-priv.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MAX_CORNERS 16

/* clang-format off */
static const QfShape shapes[QF_SCENE_N_CLASSES] = {
  /* label      points  notch  hole  aspect */
  {"ball",      0,      1.0,   0.0,  0.95, 1.05},
  {"box",       4,      0.0,   0.0,  0.70, 1.40},
  {"triangle",  3,      0.0,   0.0,  0.85, 1.20},
  {"star",      5,      0.42,  0.0,  0.95, 1.05},
  {"ring",      0,      1.0,   0.55, 0.95, 1.05},
};
/* clang-format on */

const QfShape *qf_shape_get(uint32_t class_id)
{
  return class_id < QF_SCENE_N_CLASSES ? &shapes[class_id] : NULL;
}

const char *qf_scene_label(uint32_t class_id)
{
  return class_id < QF_SCENE_N_CLASSES ? shapes[class_id].label : NULL;
}

double qf_turn_sin(double turns)
{
  double t = turns - floor(turns);
  if (t > 0.75)
    t -= 1.0;
  else if (t > 0.25)
    t = 0.5 - t;
  double x = t * 6.283185307179586, x2 = x * x;
  return x *
         (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0 * (1.0 - x2 / 72.0 * (1.0 - x2 / 110.0)))));
}

/* Corners in order around the shape; a notch of 0 leaves out the corners between the points. */
static int32_t corners_of(const QfShape *shape, double corners[MAX_CORNERS][2])
{
  int32_t n = shape->notch > 0.0 ? shape->points * 2 : shape->points;
  for (int32_t i = 0; i < n; i++) {
    double turn = (double)i / n + 0.125, radius = n > shape->points && i % 2 ? shape->notch : 1.0;
    corners[i][0] = radius * qf_turn_sin(turn + 0.25);
    corners[i][1] = radius * qf_turn_sin(turn);
  }
  return n;
}

/* Distance of (x, y) from the polygon's edge, positive inside. */
static double polygon_distance(const double (*corners)[2], int32_t n, double x, double y)
{
  double best = 4.0;
  int inside = 0;
  for (int32_t i = 0, j = n - 1; i < n; j = i++) {
    double ex = corners[j][0] - corners[i][0], ey = corners[j][1] - corners[i][1];
    double wx = x - corners[i][0], wy = y - corners[i][1];
    double f = (wx * ex + wy * ey) / (ex * ex + ey * ey);
    f = f < 0.0 ? 0.0 : f > 1.0 ? 1.0 : f;
    double dx = wx - ex * f, dy = wy - ey * f, d = dx * dx + dy * dy;
    best = d < best ? d : best;
    if ((corners[i][1] > y) != (corners[j][1] > y) && x < corners[i][0] + ex * (y - corners[i][1]) / ey)
      inside = !inside;
  }
  return inside ? sqrt(best) : -sqrt(best);
}

void qf_shape_map_init(QfShapeMap *map, const QfShape *shape)
{
  double corners[MAX_CORNERS][2];
  int32_t n = corners_of(shape, corners);
  int64_t inside = 0;
  for (int32_t i = 0; i < QF_SHAPE_TEX * QF_SHAPE_TEX; i++) {
    double x = (i % QF_SHAPE_TEX + 0.5 - QF_SHAPE_TEX / 2) / QF_SHAPE_RADIUS;
    double y = (i / QF_SHAPE_TEX + 0.5 - QF_SHAPE_TEX / 2) / QF_SHAPE_RADIUS;
    double r = sqrt(x * x + y * y);
    double d = n ? polygon_distance((const double(*)[2])corners, n, x, y) : 1.0 - r;
    if (shape->hole > 0.0 && r - shape->hole < d)
      d = r - shape->hole;
    double steps = d * (QF_SHAPE_RADIUS * QF_SHAPE_UNITS);
    map->distance[i] = (int8_t)(steps < -127.0 ? -127.0 : steps > 127.0 ? 127.0 : steps);
    inside += d > 0.0;
  }
  map->area = (double)inside / ((double)QF_SHAPE_RADIUS * QF_SHAPE_RADIUS);
}

void qf_shape_bounds(const QfShape *shape, double rx, double ry, double c, double s, double bounds[4])
{
  double corners[MAX_CORNERS][2];
  int32_t n = corners_of(shape, corners);
  double ex = sqrt(rx * c * rx * c + ry * s * ry * s), ey = sqrt(rx * s * rx * s + ry * c * ry * c);
  bounds[0] = n ? 1e9 : -ex;
  bounds[1] = n ? -1e9 : ex;
  bounds[2] = n ? 1e9 : -ey;
  bounds[3] = n ? -1e9 : ey;
  for (int32_t i = 0; i < n; i++) {
    double x = corners[i][0] * rx * c - corners[i][1] * ry * s;
    double y = corners[i][0] * rx * s + corners[i][1] * ry * c;
    bounds[0] = x < bounds[0] ? x : bounds[0];
    bounds[1] = x > bounds[1] ? x : bounds[1];
    bounds[2] = y < bounds[2] ? y : bounds[2];
    bounds[3] = y > bounds[3] ? y : bounds[3];
  }
}

static uint8_t solid_weight(int32_t x, int32_t y)
{
  return 0;
}

static uint8_t stripes_weight(int32_t x, int32_t y)
{
  return x % 32 < 16 ? 255 : 0;
}

static uint8_t checker_weight(int32_t x, int32_t y)
{
  return (x < 32) != (y < 32) ? 255 : 0;
}

static uint8_t dots_weight(int32_t x, int32_t y)
{
  int32_t dx = x - 32, dy = y - 32;
  return dx * dx + dy * dy < 18 * 18 ? 255 : 0;
}

static uint8_t shade_weight(int32_t x, int32_t y)
{
  int32_t w = (x + y) * 2;
  return (uint8_t)(w > 255 ? 255 : w);
}

static const struct {
  uint8_t (*weight)(int32_t x, int32_t y);
  int32_t shift_lo, shift_hi; /* 18: once over the shape; 16: four times */
} patterns[QF_N_PATTERNS] = {
    {solid_weight, 18, 18}, {stripes_weight, 16, 17}, {checker_weight, 16, 17},
    {dots_weight, 16, 17},  {shade_weight, 18, 18},
};

void qf_pattern_init(QfPattern *pattern, uint32_t kind)
{
  for (int32_t i = 0; i < QF_PATTERN_SIZE * QF_PATTERN_SIZE; i++)
    pattern->weights[i] = patterns[kind].weight(i % QF_PATTERN_SIZE, i / QF_PATTERN_SIZE);
}

int32_t qf_pattern_shift(uint32_t kind, uint64_t *rng)
{
  return qf_rng_int(rng, patterns[kind].shift_lo, patterns[kind].shift_hi);
}
