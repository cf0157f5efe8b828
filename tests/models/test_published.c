/* SPDX-License-Identifier: MIT */
/*
 * test_published.c - models without reference outputs, by what their publishers say they do: the micro speech example hears its
 * own clips, the person detector sees the person, and a segmentation that no reference runtime loads agrees with another
 * network about where the portrait is. Skipped without the data.
 */
#include "npy.h"

#include <qnnflow/qnnflow.h>
#include <math.h>
#include <string.h>

static char *data_path(const char *name)
{
  const char *folder = g_getenv("QF_TESTDATA");
  g_autofree char *beside = g_build_filename(QF_SOURCE_ROOT, "..", "shared", "testdata", NULL);
  char *path = g_build_filename(folder ? folder : beside, name, NULL);
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    g_clear_pointer(&path, g_free);
  return path;
}

static QfSession *open_model(const char *name, const char *backend)
{
  g_autofree char *path = data_path(name);
  g_autoptr(GError) error = NULL;
  if (!path)
    return NULL;
  QfModelOptions options = {.backend = backend};
  g_autoptr(QfModel) model = qf_model_load(path, &options, &error);
  g_assert_no_error(error);
  QfSession *session = qf_session_new(model, NULL, &error);
  g_assert_no_error(error);
  return session;
}

static const void *run(QfSession *s, const void *input, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_assert_cmpuint(size, ==, qf_model_input(qf_session_model(s), 0)->size_bytes);
  memcpy(qf_session_input_data(s, 0), input, size);
  qf_session_run(s, &error);
  g_assert_no_error(error);
  return qf_session_output_data(s, 0);
}

/* The last @size bytes of a file. */
static uint8_t *read_end(const char *name, size_t size)
{
  g_autofree char *path = data_path(name), *bytes = NULL;
  gsize length;
  if (!path || !g_file_get_contents(path, &bytes, &length, NULL))
    return NULL;
  g_assert_cmpuint(length, >=, size);
  return g_memdup2(bytes + length - size, size);
}

/* 16 kHz: windows of 30 ms every 20 ms, 49 of them make one second's features. */
enum { RATE = 16000, WINDOW = 480, STRIDE = 320, FRAMES = 49, CHANNELS = 40 };
enum { SILENCE, UNKNOWN, YES, NO };

typedef struct {
  const char *clip, *backend;
  int expected;
} Clip;

static void test_clip(gconstpointer data)
{
  const Clip *c = data;
  g_autofree int16_t *samples = (int16_t *)(void *)read_end(c->clip, RATE * 2);
  g_autoptr(QfSession) front = open_model("models/tflite/audio_preprocessor_int8.tflite", c->backend);
  g_autoptr(QfSession) net = open_model("models/tflite/micro_speech_quantized.tflite", c->backend);
  int8_t features[FRAMES * CHANNELS];
  if (!samples || !front || !net) {
    g_test_skip("the models or clips are not there");
    return;
  }
  for (int f = 0; f < FRAMES; f++)
    memcpy(features + f * CHANNELS, run(front, samples + f * STRIDE, WINDOW * 2), CHANNELS);
  const int8_t *scores = run(net, features, sizeof features);
  g_test_message("silence %d, unknown %d, yes %d, no %d", scores[0], scores[1], scores[2], scores[3]);
  for (int i = 0; i < 4; i++)
    g_assert_true(i == c->expected || scores[i] < scores[c->expected]);
}

typedef struct {
  const char *picture, *backend;
  gboolean person;
} Person;

static void test_person(gconstpointer data)
{
  const Person *p = data;
  g_autofree uint8_t *rows = read_end(p->picture, 96 * 96);
  g_autoptr(QfSession) net = open_model("models/tflite/person_detect.tflite", p->backend);
  int8_t pixels[96 * 96];
  if (!rows || !net) {
    g_test_skip("the model or picture is not there");
    return;
  }
  /* A bitmap begins with its last row; indices are grey levels. The publisher's test copies the bytes as they are: levels
   * from 128 on become negative. With 128 subtracted, the reference runtime too sees nobody in either picture. */
  for (int i = 0; i < 96 * 96; i++)
    pixels[i] = (int8_t)rows[(95 - i / 96) * 96 + i % 96];
  const int8_t *scores = run(net, pixels, sizeof pixels);
  g_test_message("no person %d, person %d", scores[0], scores[1]);
  g_assert_true(p->person ? scores[1] > scores[0] : scores[0] > scores[1]);
}

/* Two networks on one portrait: the places both call person, over those that either does. */
static void test_portrait(gconstpointer backend)
{
  g_autofree char *in = data_path("refs/tflite/prisma_fp16/input_0.npy");
  g_autofree char *out = data_path("refs/tflite/prisma_fp16/output_0.npy");
  g_autoptr(QfSession) net = open_model("models/tflite/selfie_segmentation_mlkit_f16.tflite", backend);
  g_auto(QfNpy) picture = {0}, mask = {0};
  if (!in || !out || !net) {
    g_test_skip("the model or portrait is not there");
    return;
  }
  g_assert_true(qf_npy_read(in, &picture, NULL) && qf_npy_read(out, &mask, NULL));
  const float *ours = run(net, picture.data, picture.size_bytes), *theirs = mask.data;
  int both = 0, either = 0, total = 256 * 256;
  g_assert_cmpuint(qf_model_output(qf_session_model(net), 0)->size_bytes, ==, (size_t)total * 4);
  for (int i = 0; i < total; i++) {
    g_assert_true(isfinite(ours[i]));
    both += ours[i] > 0.5f && theirs[i] > 0.5f;
    either += ours[i] > 0.5f || theirs[i] > 0.5f;
  }
  g_test_message("both %d, either %d of %d", both, either, total);
  g_assert_cmpint(both * 10, >, either * 9);
  g_assert_cmpint(either, <, total * 9 / 10);
}

int main(int argc, char **argv)
{
  static const char *const backends[] = {"ref", "cpu"};
  static Clip clips[] = {{"audio/yes_1000ms.wav", NULL, YES},
                         {"audio/no_1000ms.wav", NULL, NO},
                         {"audio/silence_1000ms.wav", NULL, SILENCE}};
  static Person people[] = {{"images/person.bmp", NULL, TRUE}, {"images/no_person.bmp", NULL, FALSE}};
  g_test_init(&argc, &argv, NULL);
  for (int b = 0; b < 2; b++) {
    for (guint i = 0; i < G_N_ELEMENTS(clips); i++) {
      g_autofree char *name = g_strdup_printf("/published/%s/%s", backends[b], clips[i].clip);
      Clip *c = g_memdup2(&clips[i], sizeof *c);
      c->backend = backends[b];
      g_test_add_data_func_full(name, c, test_clip, g_free);
    }
    for (guint i = 0; i < G_N_ELEMENTS(people); i++) {
      g_autofree char *name = g_strdup_printf("/published/%s/%s", backends[b], people[i].picture);
      Person *p = g_memdup2(&people[i], sizeof *p);
      p->backend = backends[b];
      g_test_add_data_func_full(name, p, test_person, g_free);
    }
    g_autofree char *name = g_strdup_printf("/published/%s/portrait", backends[b]);
    g_test_add_data_func(name, backends[b], test_portrait);
  }
  return g_test_run();
}
