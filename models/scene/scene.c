/* SPDX-License-Identifier: MIT */
/*
 * scene.c - the generated world: shots, the objects in them, how they move, and how a frame is painted.
 * All of a shot follows from (seed, shot number) and all of a frame from its shot and time, in closed form: nothing
 * is carried from frame to frame. Backgrounds are in background.c, shapes and textures in shape.c.
 */
#include "scene-priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_OWNER 255

/* An object as it is in one shot. Lengths in frame pixels, angles in turns, rates a frame. */
typedef struct {
  uint32_t shape, pattern;
  int32_t pattern_shift;
  double cx, cy, vx, vy, radius, aspect, angle, spin, pulse, pulse_rate;
  uint8_t colors[3][3]; /* Y, Cb, Cr of the fill, the texture on it, the outline */
  int32_t outline;      /* distance steps, 0: none */
} Object;

/* An object as it is in one frame. */
typedef struct {
  double cx, cy, rx, ry, c, s;
} Pose;

struct QfScene {
  uint64_t seed, shot; /* shot + 1 that is loaded, 0: none */
  uint64_t frame;
  int32_t width, height;
  uint32_t shot_length, n_objects;
  QfBackground background;
  Object objects[QF_SCENE_MAX_OBJECTS];
  QfSceneObject truth[QF_SCENE_MAX_OBJECTS];
  QfShapeMap maps[QF_SCENE_N_CLASSES];
  QfPattern patterns[QF_N_PATTERNS];
  uint8_t *indices; /* one row of background */
  uint8_t *owners;  /* who is seen in each 2x2 block */
};

/* One plane of the frame: @step frame pixels lie between its samples. */
typedef struct {
  uint8_t *data;
  int32_t stride, width, height, step;
} Plane;

uint64_t qf_rng_next(uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int32_t qf_rng_int(uint64_t *state, int32_t low, int32_t high)
{
  return low + (int32_t)((qf_rng_next(state) >> 33) % ((uint64_t)(high - low) + 1));
}

double qf_rng_real(uint64_t *state, double low, double high)
{
  return low + (high - low) * ((double)(qf_rng_next(state) >> 11) / 9007199254740992.0);
}

/* A colour that stands out from the background; the last try is taken as it is, and the outline helps. */
static void pick_color(const QfBackground *bg, uint64_t *rng, uint8_t *color)
{
  for (int32_t i = 0; i < 64; i++) {
    color[0] = (uint8_t)qf_rng_int(rng, 40, 220);
    color[1] = (uint8_t)qf_rng_int(rng, 48, 208);
    color[2] = (uint8_t)qf_rng_int(rng, 48, 208);
    if (!qf_background_hides(bg, color))
      return;
  }
}

static void object_init(Object *o, const QfScene *scene, uint64_t *rng)
{
  double size = scene->height < scene->width ? scene->height : scene->width;
  o->shape = (uint32_t)qf_rng_int(rng, 0, QF_SCENE_N_CLASSES - 1);
  o->pattern = (uint32_t)qf_rng_int(rng, 0, QF_N_PATTERNS - 1);
  o->pattern_shift = qf_pattern_shift(o->pattern, rng);
  o->radius = qf_rng_real(rng, 0.078, 0.175) * size;
  const QfShape *shape = qf_shape_get(o->shape);
  o->aspect = qf_rng_real(rng, shape->aspect_lo, shape->aspect_hi);
  o->cx = qf_rng_real(rng, 0.0, scene->width);
  o->cy = qf_rng_real(rng, 0.0, scene->height);
  o->vx = qf_rng_real(rng, -0.012, 0.012) * size;
  o->vy = qf_rng_real(rng, -0.012, 0.012) * size;
  o->angle = qf_rng_real(rng, 0.0, 1.0);
  o->spin = qf_rng_real(rng, -0.012, 0.012);
  o->pulse = qf_rng_real(rng, 0.0, 0.12);
  o->pulse_rate = qf_rng_real(rng, 0.005, 0.03);
  pick_color(&scene->background, rng, o->colors[0]);
  pick_color(&scene->background, rng, o->colors[1]);
  /* smpte holds too many colours for every fill to stand out everywhere: an outline is always there. */
  int outlined = scene->background.kind == 1 || qf_rng_int(rng, 0, 9) < 5;
  o->outline = outlined ? qf_rng_int(rng, 40, 90) : 0;
  o->colors[2][0] = o->colors[0][0] < 128 ? 235 : 16;
  o->colors[2][1] = o->colors[2][2] = 128;
}

static void load_shot(QfScene *scene, uint64_t shot)
{
  uint64_t rng = scene->seed * 0x2545f4914f6cdd1du + shot;
  uint64_t order = scene->seed;
  scene->shot = shot + 1;
  qf_rng_next(&rng);
  /* All backgrounds come before one comes again. */
  uint32_t kind = (uint32_t)((qf_rng_next(&order) + shot) % QF_SCENE_N_BACKGROUNDS);
  qf_background_init(&scene->background, kind, &rng, scene->width, scene->height);
  scene->n_objects = (uint32_t)qf_rng_int(&rng, 3, 7);
  for (uint32_t i = 0; i < scene->n_objects; i++)
    object_init(&scene->objects[i], scene, &rng);
}

/* x bounces between lo and hi. */
static double bounce(double x, double lo, double hi)
{
  double span = hi - lo, p = (x - lo) / (2.0 * span);
  p = (p - floor(p)) * 2.0;
  return lo + span * (p > 1.0 ? 2.0 - p : p);
}

static Pose object_pose(const Object *o, uint32_t t, int32_t width, int32_t height)
{
  Pose p;
  double r = o->radius * (1.0 + o->pulse * qf_turn_sin(o->pulse_rate * t));
  /* Up to a third of an object leaves the frame. */
  p.cx = bounce(o->cx + o->vx * t, 0.35 * r, width - 0.35 * r);
  p.cy = bounce(o->cy + o->vy * t, 0.35 * r, height - 0.35 * r);
  double stretch = sqrt(o->aspect);
  p.rx = r * stretch;
  p.ry = r / stretch;
  p.s = qf_turn_sin(o->angle + o->spin * t);
  p.c = qf_turn_sin(o->angle + o->spin * t + 0.25);
  return p;
}

static void paint_background(QfScene *scene, uint32_t t, const Plane *plane, int32_t channels)
{
  const QfBackground *bg = &scene->background;
  for (int32_t y = 0; y < plane->height; y++) {
    uint8_t *out = plane->data + (size_t)y * (size_t)plane->stride;
    qf_background_row(bg, t, y * plane->step, plane->step, plane->width, scene->indices);
    if (channels == 1) {
      for (int32_t x = 0; x < plane->width; x++)
        out[x] = bg->palette[scene->indices[x]][0];
      continue;
    }
    for (int32_t x = 0; x < plane->width; x++) {
      out[2 * x] = bg->palette[scene->indices[x]][1];
      out[2 * x + 1] = bg->palette[scene->indices[x]][2];
    }
  }
}

/* What painting a row of an object needs; fixed point has 16 fraction bits. */
typedef struct {
  const Object *o;
  const int8_t *distance;
  const uint8_t *weights;
  int32_t gain; /* coverage steps (of 256) a distance step, times 16 */
  int32_t du, dv;
} Brush;

static inline int32_t coverage(int32_t distance, int32_t gain)
{
  int32_t a = 128 + ((distance * gain) >> 4);
  return a < 0 ? 0 : a > 256 ? 256 : a;
}

static inline int32_t mix(int32_t a, int32_t b, int32_t weight)
{
  return a + (((b - a) * weight + 128) >> 8);
}

/* Paints @n samples from texture position (u, v). @first is the plane's first colour channel: 0 luma, 1 chroma. */
static inline __attribute__((always_inline)) void paint_row(const Brush *b, uint8_t *out, int32_t n,
                                                            int32_t u, int32_t v, int32_t first,
                                                            int32_t channels, uint8_t *owners, uint8_t id)
{
  int32_t shift = b->o->pattern_shift;
  for (int32_t i = 0; i < n; i++, u += b->du, v += b->dv) {
    if (((uint32_t)u | (uint32_t)v) >> 24)
      continue;
    int32_t d = b->distance[(v >> 16) * QF_SHAPE_TEX + (u >> 16)];
    int32_t alpha = coverage(d, b->gain);
    if (alpha == 0)
      continue;
    int32_t w = b->weights[((v >> shift) & 63) * QF_PATTERN_SIZE + ((u >> shift) & 63)];
    int32_t body = b->o->outline ? coverage(d - b->o->outline, b->gain) : 256;
    for (int32_t c = 0; c < channels; c++) {
      int32_t fill = mix(b->o->colors[0][first + c], b->o->colors[1][first + c], w);
      fill = mix(b->o->colors[2][first + c], fill, body);
      out[i * channels + c] = (uint8_t)mix(out[i * channels + c], fill, alpha);
    }
    if (owners && alpha >= 128)
      owners[i] = id;
  }
}

static int32_t clamp_int(double v, int32_t low, int32_t high)
{
  return v < low ? low : v > high ? high : (int32_t)v;
}

static void paint_object(QfScene *scene, uint32_t index, const Pose *p, const Plane *plane, int32_t channels)
{
  const Object *o = &scene->objects[index];
  double fixed = QF_SHAPE_RADIUS * 65536.0, step = plane->step;
  Brush b = {o, scene->maps[o->shape].distance, scene->patterns[o->pattern].weights, 0, 0, 0};
  double mean_radius = sqrt(p->rx * p->ry) / step;
  /* An edge is one sample wide, but a texel at least. */
  double steps = QF_SHAPE_RADIUS * QF_SHAPE_UNITS / mean_radius;
  b.gain = (int32_t)(256.0 * 16.0 / (steps > QF_SHAPE_UNITS ? steps : QF_SHAPE_UNITS));
  b.du = (int32_t)(p->c * step / p->rx * fixed);
  b.dv = (int32_t)(-p->s * step / p->ry * fixed);
  double reach = (p->rx > p->ry ? p->rx : p->ry) + 2.0;
  int32_t x0 = clamp_int((p->cx - reach) / step, 0, plane->width);
  int32_t x1 = clamp_int((p->cx + reach) / step + 1.0, 0, plane->width);
  int32_t y0 = clamp_int((p->cy - reach) / step, 0, plane->height);
  int32_t y1 = clamp_int((p->cy + reach) / step + 1.0, 0, plane->height);
  for (int32_t y = y0; y < y1; y++) {
    double dx = (x0 + 0.5) * step - p->cx, dy = (y + 0.5) * step - p->cy;
    int32_t u = (int32_t)((p->c * dx + p->s * dy) / p->rx * fixed + QF_SHAPE_TEX / 2 * 65536.0);
    int32_t v = (int32_t)((p->c * dy - p->s * dx) / p->ry * fixed + QF_SHAPE_TEX / 2 * 65536.0);
    uint8_t *out = plane->data + (size_t)y * (size_t)plane->stride + (size_t)x0 * (size_t)channels;
    uint8_t *owners = scene->owners + (size_t)y * (size_t)((scene->width + 1) / 2) + x0;
    if (channels == 1)
      paint_row(&b, out, x1 - x0, u, v, 0, 1, NULL, 0);
    else
      paint_row(&b, out, x1 - x0, u, v, 1, 2, owners, (uint8_t)index);
  }
}

static void note_truth(QfScene *scene, uint32_t index, const Pose *p, uint32_t seen_blocks)
{
  const Object *o = &scene->objects[index];
  QfSceneObject *t = &scene->truth[index];
  double b[4];
  qf_shape_bounds(qf_shape_get(o->shape), p->rx, p->ry, p->c, p->s, b);
  t->class_id = (int32_t)o->shape;
  t->x = clamp_int(p->cx + b[0] + 0.5, 0, scene->width - 1);
  t->y = clamp_int(p->cy + b[2] + 0.5, 0, scene->height - 1);
  t->width = clamp_int(p->cx + b[1] + 0.5, t->x + 1, scene->width) - t->x;
  t->height = clamp_int(p->cy + b[3] + 0.5, t->y + 1, scene->height) - t->y;
  double whole = scene->maps[o->shape].area * p->rx * p->ry;
  t->visible_permille = clamp_int(seen_blocks * 4000.0 / whole, 0, 1000);
}

void qf_scene_render(QfScene *scene, uint64_t n, uint8_t *luma, int32_t luma_stride, uint8_t *chroma,
                     int32_t chroma_stride)
{
  int32_t cw = (scene->width + 1) / 2, ch = (scene->height + 1) / 2;
  Plane planes[2] = {{luma, luma_stride, scene->width, scene->height, 1}, {chroma, chroma_stride, cw, ch, 2}};
  uint32_t t = (uint32_t)(n % scene->shot_length), seen[256] = {0};
  if (scene->shot != n / scene->shot_length + 1)
    load_shot(scene, n / scene->shot_length);
  scene->frame = n;
  memset(scene->owners, NO_OWNER, (size_t)cw * (size_t)ch);
  for (int32_t k = 0; k < 2; k++)
    paint_background(scene, t, &planes[k], k + 1);
  for (uint32_t i = 0; i < scene->n_objects; i++) {
    Pose pose = object_pose(&scene->objects[i], t, scene->width, scene->height);
    for (int32_t k = 0; k < 2; k++)
      paint_object(scene, i, &pose, &planes[k], k + 1);
  }
  for (size_t i = 0; i < (size_t)cw * (size_t)ch; i++)
    seen[scene->owners[i]]++;
  for (uint32_t i = 0; i < scene->n_objects; i++) {
    Pose pose = object_pose(&scene->objects[i], t, scene->width, scene->height);
    note_truth(scene, i, &pose, seen[i]);
  }
}

QfScene *qf_scene_new(uint64_t seed, int32_t width, int32_t height, uint32_t shot_length)
{
  if (width < QF_SCENE_MIN_SIZE || height < QF_SCENE_MIN_SIZE || width > QF_SCENE_MAX_SIZE ||
      height > QF_SCENE_MAX_SIZE)
    return NULL;
  QfScene *scene = calloc(1, sizeof *scene);
  if (!scene)
    return NULL;
  scene->seed = seed;
  scene->width = width;
  scene->height = height;
  scene->shot_length = shot_length ? shot_length : QF_SCENE_SHOT_LENGTH;
  scene->indices = malloc((size_t)width);
  scene->owners = malloc((size_t)((width + 1) / 2) * (size_t)((height + 1) / 2));
  if (!scene->indices || !scene->owners) {
    qf_scene_free(scene);
    return NULL;
  }
  for (uint32_t i = 0; i < QF_SCENE_N_CLASSES; i++)
    qf_shape_map_init(&scene->maps[i], qf_shape_get(i));
  for (uint32_t i = 0; i < QF_N_PATTERNS; i++)
    qf_pattern_init(&scene->patterns[i], i);
  return scene;
}

void qf_scene_free(QfScene *scene)
{
  if (!scene)
    return;
  free(scene->indices);
  free(scene->owners);
  free(scene);
}

uint32_t qf_scene_objects(const QfScene *scene, const QfSceneObject **objects)
{
  *objects = scene->truth;
  return scene->n_objects;
}

uint32_t qf_scene_background(const QfScene *scene)
{
  return scene->background.kind;
}

int32_t qf_scene_truth(const QfScene *scene, char *text, int32_t size)
{
  int32_t n = 0;
#define PUT(...) n += snprintf(n < size ? text + n : NULL, n < size ? (size_t)(size - n) : 0, __VA_ARGS__)
  PUT("{\"frame\":%llu,\"background\":\"%s\",\"objects\":[", (unsigned long long)scene->frame,
      qf_scene_background_name(scene->background.kind));
  for (uint32_t i = 0; i < scene->n_objects; i++) {
    const QfSceneObject *t = &scene->truth[i];
    PUT("%s{\"label\":\"%s\",\"class_id\":%d,\"x\":%d,\"y\":%d,\"width\":%d,\"height\":%d,\"visible\":%d.%"
        "03d}",
        i ? "," : "", qf_scene_label((uint32_t)t->class_id), t->class_id, t->x, t->y, t->width, t->height,
        t->visible_permille / 1000, t->visible_permille % 1000);
  }
  PUT("]}");
#undef PUT
  return n;
}
