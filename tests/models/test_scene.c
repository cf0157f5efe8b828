/* SPDX-License-Identifier: MIT */
/*
 * test_scene.c - the generated world keeps its promises: frames in any order, the same bytes everywhere, nothing
 * written outside the planes, all backgrounds and classes, and boxes that hold what the frame shows.
 */
#include <glib.h>
#include <string.h>

#include "scene.h"

#define W 320
#define H 180
#define GUARD 0xa5

typedef struct {
  uint8_t luma[(W + 16) * (H + 2)], chroma[(W + 16) * (H / 2 + 2)];
} Frame;

static QfScene *scene_new(uint64_t seed, uint32_t shot_length)
{
  QfScene *scene = qf_scene_new(seed, W, H, shot_length);
  g_assert_nonnull(scene);
  return scene;
}

static void render(QfScene *scene, uint64_t n, Frame *frame)
{
  memset(frame, GUARD, sizeof *frame);
  qf_scene_render(scene, n, frame->luma, W + 16, frame->chroma, W + 16);
}

/* FNV-1a over the visible bytes. */
static uint64_t hash(const Frame *frame)
{
  uint64_t h = 0xcbf29ce484222325u;
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      h = (h ^ frame->luma[y * (W + 16) + x]) * 0x100000001b3u;
  for (int y = 0; y < H / 2; y++)
    for (int x = 0; x < W; x++)
      h = (h ^ frame->chroma[y * (W + 16) + x]) * 0x100000001b3u;
  return h;
}

static void test_any_order(void)
{
  QfScene *a = scene_new(11, 9), *b = scene_new(11, 9), *other = scene_new(12, 9);
  static Frame x, y;
  for (int n = 0; n < 40; n += 3) {
    render(a, n, &x);
    render(b, 39 - n, &y);
    render(b, n, &y);
    g_assert_cmpmem(&x, sizeof x, &y, sizeof y);
    render(other, n, &y);
    g_assert_cmpuint(hash(&x), !=, hash(&y));
  }
  qf_scene_free(a);
  qf_scene_free(b);
  qf_scene_free(other);
}

/* One frame of each background; a compiler or a machine that gives other bytes would move the trained model's input. */
static void test_same_bytes_everywhere(void)
{
  static const uint64_t expected[] = {0x62af03287f67578au, 0x5d48187172318831u, 0x0b21001b33e99e23u,
                                      0xfa9e3116b0fa23a9u, 0xcbf3ddf8ec8b672bu};
  QfScene *scene = scene_new(3, 10);
  static Frame frame;
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    render(scene, i * 10 + 4, &frame);
    g_test_message("%s 0x%016" G_GINT64_MODIFIER "xu", qf_scene_background_name(qf_scene_background(scene)),
                   hash(&frame));
    g_assert_cmphex(hash(&frame), ==, expected[i]);
  }
  qf_scene_free(scene);
}

static void test_stays_inside(void)
{
  static const int sizes[][2] = {{64, 64}, {65, 67}, {320, 180}, {101, 179}};
  for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
    int w = sizes[s][0], h = sizes[s][1], cw = (w + 1) / 2 * 2, ch = (h + 1) / 2;
    QfScene *scene = qf_scene_new(5, w, h, 6);
    g_assert_nonnull(scene);
    for (int n = 0; n < 60; n += 2) {
      static Frame frame;
      memset(&frame, GUARD, sizeof frame);
      qf_scene_render(scene, n, frame.luma, w + 7, frame.chroma, cw + 7);
      for (int y = 0; y <= h; y++)
        for (int x = y < h ? w : 0; x < w + 7; x++)
          g_assert_cmphex(frame.luma[y * (w + 7) + x], ==, GUARD);
      for (int y = 0; y <= ch; y++)
        for (int x = y < ch ? cw : 0; x < cw + 7; x++)
          g_assert_cmphex(frame.chroma[y * (cw + 7) + x], ==, GUARD);
    }
    qf_scene_free(scene);
  }
  g_assert_null(qf_scene_new(1, 63, 64, 0));
  g_assert_null(qf_scene_new(1, 64, 8193, 0));
}

static void test_variety(void)
{
  QfScene *scene = scene_new(21, 4);
  guint backgrounds = 0, classes = 0, hidden = 0;
  static Frame frame;
  for (int n = 0; n < 160; n += 2) {
    const QfSceneObject *o;
    render(scene, n, &frame);
    backgrounds |= 1u << qf_scene_background(scene);
    uint32_t count = qf_scene_objects(scene, &o);
    g_assert_cmpuint(count, >=, 3);
    for (uint32_t i = 0; i < count; i++) {
      classes |= 1u << o[i].class_id;
      hidden += o[i].visible_permille < 900;
      g_assert_true(o[i].x >= 0 && o[i].y >= 0 && o[i].width > 0 && o[i].height > 0);
      g_assert_true(o[i].x + o[i].width <= W && o[i].y + o[i].height <= H);
      g_assert_nonnull(qf_scene_label((uint32_t)o[i].class_id));
    }
  }
  g_assert_cmphex(backgrounds, ==, (1u << QF_SCENE_N_BACKGROUNDS) - 1);
  g_assert_cmphex(classes, ==, (1u << QF_SCENE_N_CLASSES) - 1);
  g_assert_cmpuint(hidden, >, 5);
  g_assert_null(qf_scene_label(QF_SCENE_N_CLASSES));
  g_assert_null(qf_scene_background_name(QF_SCENE_N_BACKGROUNDS));
  qf_scene_free(scene);
}

/* Between two frames of a shot on smpte bars, which stand still, only what lies in a box of one of them may change. */
static void test_boxes_hold_the_objects(void)
{
  QfScene *scene = scene_new(8, 50);
  static Frame a, b;
  guint changed = 0, shots = 0;
  for (int shot = 0; shot < 25; shot++) {
    QfSceneObject boxes[2 * QF_SCENE_MAX_OBJECTS];
    const QfSceneObject *o;
    render(scene, shot * 50 + 5, &a);
    if (strcmp(qf_scene_background_name(qf_scene_background(scene)), "smpte") != 0)
      continue;
    uint32_t n = qf_scene_objects(scene, &o);
    memcpy(boxes, o, n * sizeof *o);
    render(scene, shot * 50 + 40, &b);
    qf_scene_objects(scene, &o);
    memcpy(boxes + n, o, n * sizeof *o);
    for (int i = 0; i < W * H; i++) {
      int x = i % W, y = i / W, inside = 0;
      if (a.luma[y * (W + 16) + x] == b.luma[y * (W + 16) + x])
        continue;
      for (uint32_t k = 0; k < 2 * n; k++)
        inside |= x >= boxes[k].x - 1 && x <= boxes[k].x + boxes[k].width && y >= boxes[k].y - 1 &&
                  y <= boxes[k].y + boxes[k].height;
      g_assert_true(inside);
      changed++;
    }
    shots++;
  }
  g_assert_cmpuint(shots, ==, 5);
  g_assert_cmpuint(changed, >, 5000);
  qf_scene_free(scene);
}

static void test_truth_text(void)
{
  QfScene *scene = scene_new(2, 5);
  static Frame frame;
  char text[QF_SCENE_TRUTH_BYTES], small[20];
  render(scene, 12, &frame);
  int32_t length = qf_scene_truth(scene, text, sizeof text);
  g_assert_cmpint(length, ==, (int)strlen(text));
  g_assert_true(g_str_has_prefix(text, "{\"frame\":12,\"background\":\""));
  g_assert_true(g_str_has_suffix(text, "}]}"));
  g_assert_cmpint(qf_scene_truth(scene, small, sizeof small), ==, length);
  g_assert_cmpint((int)strlen(small), ==, sizeof small - 1);
  qf_scene_free(scene);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scene/any-order", test_any_order);
  g_test_add_func("/scene/same-bytes-everywhere", test_same_bytes_everywhere);
  g_test_add_func("/scene/stays-inside", test_stays_inside);
  g_test_add_func("/scene/variety", test_variety);
  g_test_add_func("/scene/boxes-hold-the-objects", test_boxes_hold_the_objects);
  g_test_add_func("/scene/truth-text", test_truth_text);
  return g_test_run();
}
