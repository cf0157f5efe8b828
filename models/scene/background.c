/* SPDX-License-Identifier: MIT */
/*
 * background.c - what is behind the objects. A background is a 256-colour palette and a function that gives a row of
 * palette indices, so luma and (at half the density) chroma come from one description. Used by scene.c.
 */
#include "scene-priv.h"

#include <stdlib.h>
#include <string.h>

#define N_SMPTE 12

/* Y, Cb, Cr of the 75 % bars from left to right, then black, white, -I, +Q and a black and a grey step of the pluge. */
static const uint8_t smpte_colors[N_SMPTE][3] = {{180, 128, 128}, {168, 44, 136}, {145, 147, 44},
                                                 {133, 63, 52},   {63, 193, 204}, {51, 109, 212},
                                                 {28, 212, 120},  {16, 128, 128}, {235, 128, 128},
                                                 {57, 156, 97},   {44, 171, 147}, {26, 128, 128}};

/* Index of the colour in each of the bands, in equal columns. */
static const uint8_t smpte_top[7] = {0, 1, 2, 3, 4, 5, 6};
static const uint8_t smpte_middle[7] = {6, 7, 4, 7, 2, 7, 0};
static const uint8_t smpte_bottom[7] = {9, 8, 8, 10, 7, 11, 7};

static uint8_t fold(uint32_t phase)
{
  uint32_t p = (phase >> 8) & 511;
  return (uint8_t)(p < 256 ? p : 511 - p);
}

static void plain_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n,
                      uint8_t *indices)
{
  memset(indices, fold((uint32_t)bg->speed * t), (size_t)n);
}

static void smpte_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n,
                      uint8_t *indices)
{
  const uint8_t *band = smpte_bottom;
  if (y * 3 < bg->height * 2)
    band = smpte_top;
  else if (y * 4 < bg->height * 3)
    band = smpte_middle;
  for (int32_t b = 0; b < 7; b++) {
    /* The first sample at or right of the band's left edge. */
    int32_t from = (b * bg->width + 7 * step - 1) / (7 * step),
            to = ((b + 1) * bg->width + 7 * step - 1) / (7 * step);
    to = to < n ? to : n;
    if (from < to)
      memset(indices + from, band[b], (size_t)(to - from));
  }
}

static void gradient_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n,
                         uint8_t *indices)
{
  uint32_t phase = (uint32_t)bg->ay * (uint32_t)y + (uint32_t)bg->speed * t;
  uint32_t add = (uint32_t)bg->ax * (uint32_t)step;
  for (int32_t i = 0; i < n; i++)
    indices[i] = fold(phase + add * (uint32_t)i);
}

static void snow_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n, uint8_t *indices)
{
  uint64_t state = bg->seed ^ ((uint64_t)t << 32) ^ (uint64_t)y;
  uint64_t x = qf_rng_next(&state) | 1;
  for (int32_t i = 0; i < n; i += 8) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    for (int32_t k = 0; k < 8 && i + k < n; k++)
      indices[i + k] = (uint8_t)(x >> (8 * k));
  }
}

static void zone_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n, uint8_t *indices)
{
  int32_t dy = y - bg->cy;
  uint32_t phase = (uint32_t)bg->ay * (uint32_t)(dy * dy) + (uint32_t)bg->speed * t;
  for (int32_t i = 0; i < n; i++) {
    int32_t dx = i * step - bg->cx;
    indices[i] = (uint8_t)((phase + (uint32_t)bg->ax * (uint32_t)(dx * dx)) >> 16);
  }
}

static void ramp_palette(QfBackground *bg)
{
  for (int32_t i = 0; i < 256; i++)
    for (int32_t c = 0; c < 3; c++)
      bg->palette[i][c] = (uint8_t)((bg->colors[0][c] * (255 - i) + bg->colors[1][c] * i + 127) / 255);
}

static void smpte_palette(QfBackground *bg)
{
  memset(bg->palette, 16, sizeof bg->palette);
  memcpy(bg->palette, smpte_colors, sizeof smpte_colors);
}

static void snow_palette(QfBackground *bg)
{
  for (int32_t c = 1; c < 3; c++)
    bg->colors[0][c] = bg->colors[1][c] = 128;
  ramp_palette(bg);
}

static void wave_palette(QfBackground *bg)
{
  for (int32_t i = 0; i < 256; i++) {
    int32_t w = (int32_t)(qf_turn_sin(i / 256.0) * 127.0 + 128.0);
    for (int32_t c = 0; c < 3; c++)
      bg->palette[i][c] = (uint8_t)((bg->colors[0][c] * (255 - w) + bg->colors[1][c] * w + 127) / 255);
  }
}

static const struct {
  const char *name;
  void (*row)(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n, uint8_t *indices);
  void (*palette)(QfBackground *bg);
  int32_t speed; /* most that the phase moves a frame, either way */
} backgrounds[QF_SCENE_N_BACKGROUNDS] = {
    {"plain", plain_row, ramp_palette, 300},        {"smpte", smpte_row, smpte_palette, 0},
    {"gradient", gradient_row, ramp_palette, 1200}, {"snow", snow_row, snow_palette, 0},
    {"zone-plate", zone_row, wave_palette, 800000},
};

void qf_background_init(QfBackground *bg, uint32_t kind, uint64_t *rng, int32_t width, int32_t height)
{
  bg->kind = kind;
  bg->width = width;
  bg->height = height;
  for (int32_t e = 0; e < 2; e++) {
    bg->colors[e][0] = (uint8_t)qf_rng_int(rng, e ? 120 : 16, e ? 235 : 140);
    for (int32_t c = 1; c < 3; c++)
      bg->colors[e][c] = (uint8_t)qf_rng_int(rng, 70, 186);
  }
  bg->speed = qf_rng_int(rng, -backgrounds[kind].speed, backgrounds[kind].speed);
  bg->cx = qf_rng_int(rng, 0, width);
  bg->cy = qf_rng_int(rng, 0, height);
  /* Gradients run through the palette up to twice a frame; zone plates reach half a turn a pixel at the far end. */
  int32_t unit = kind == 4 ? (1 << 22) / (width + height) : (1 << 18) / (width + height);
  bg->ax = qf_rng_int(rng, unit / 8, unit);
  bg->ay = qf_rng_int(rng, unit / 8, unit);
  bg->seed = qf_rng_next(rng);
  backgrounds[kind].palette(bg);
}

void qf_background_row(const QfBackground *bg, uint32_t t, int32_t y, int32_t step, int32_t n,
                       uint8_t *indices)
{
  backgrounds[bg->kind].row(bg, t, y, step, n, indices);
}

int qf_background_hides(const QfBackground *bg, const uint8_t *color)
{
  for (int32_t i = 0; i < 256; i += bg->kind == 1 ? 1 : 8) {
    int32_t distance = 0;
    for (int32_t c = 0; c < 3; c++)
      distance += abs((int32_t)bg->palette[i][c] - (int32_t)color[c]);
    if (distance < (bg->kind == 1 ? 36 : 56))
      return 1;
  }
  return 0;
}

const char *qf_scene_background_name(uint32_t background)
{
  return background < QF_SCENE_N_BACKGROUNDS ? backgrounds[background].name : NULL;
}
