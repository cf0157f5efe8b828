/* SPDX-License-Identifier: MIT */
/*
 * main.c - qnnflow-scene: generated frames as raw NV12 or YUV4MPEG2, and their truth as lines of JSON.
 * The same bytes as the element qnnscenesrc gives, for tools that read files or pipes.
 */
#include "scene.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  uint64_t seed;
  long frames, width, height, fps, shot_length;
  int live, y4m;
  const char *output, *truth;
} Options;

static const char usage[] = "usage: qnnflow-scene [OPTION]...\n"
                            "Writes generated video of moving shapes, NV12, BT.709, limited range.\n"
                            "  --seed N          which world (1)\n"
                            "  --frames N        how many frames (300)\n"
                            "  --width N         pixels (1280)\n"
                            "  --height N        pixels (720)\n"
                            "  --fps N           frames a second (30)\n"
                            "  --shot-length N   frames until everything changes (75)\n"
                            "  --live            at the pace of a camera\n"
                            "  --y4m             YUV4MPEG2 in place of raw NV12\n"
                            "  --output FILE     where to (standard output)\n"
                            "  --truth FILE      objects of each frame, a line of JSON each\n"
                            "  --help            this text\n";

static int parse_number(const char *name, const char *text, long low, long high, long *value)
{
  char *end;
  errno = 0;
  *value = strtol(text, &end, 10);
  if (errno == 0 && end != text && *end == 0 && *value >= low && *value <= high)
    return 0;
  fprintf(stderr, "qnnflow-scene: --%s wants a number from %ld to %ld, not '%s'\n", name, low, high, text);
  return -1;
}

static int parse_options(int argc, char **argv, Options *o)
{
  static const struct option names[] = {{"seed", 1, NULL, 's'},   {"frames", 1, NULL, 'n'},
                                        {"width", 1, NULL, 'w'},  {"height", 1, NULL, 'h'},
                                        {"fps", 1, NULL, 'f'},    {"shot-length", 1, NULL, 'l'},
                                        {"live", 0, NULL, 'L'},   {"y4m", 0, NULL, 'y'},
                                        {"output", 1, NULL, 'o'}, {"truth", 1, NULL, 't'},
                                        {"help", 0, NULL, '?'},   {NULL, 0, NULL, 0}};
  long seed = 1;
  struct {
    int key;
    long low, high, *value;
  } numbers[] = {{'s', 0, 2147483647, &seed},
                 {'n', 1, 100000000, &o->frames},
                 {'w', QF_SCENE_MIN_SIZE, QF_SCENE_MAX_SIZE, &o->width},
                 {'h', QF_SCENE_MIN_SIZE, QF_SCENE_MAX_SIZE, &o->height},
                 {'f', 1, 1000, &o->fps},
                 {'l', 1, 1000000, &o->shot_length}};
  int key, index = 0;
  while ((key = getopt_long(argc, argv, "", names, &index)) != -1) {
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
      if (numbers[i].key == key &&
          parse_number(names[index].name, optarg, numbers[i].low, numbers[i].high, numbers[i].value))
        return -1;
    if (key == '?')
      return -1;
    o->live |= key == 'L';
    o->y4m |= key == 'y';
    o->output = key == 'o' ? optarg : o->output;
    o->truth = key == 't' ? optarg : o->truth;
  }
  o->seed = (uint64_t)seed;
  return optind == argc ? 0 : -1;
}

static FILE *open_output(const char *path)
{
  FILE *file = fopen(path, "wb");
  if (!file)
    fprintf(stderr, "qnnflow-scene: cannot write %s: %s\n", path, strerror(errno));
  return file;
}

/* Sleeps until frame @n is due. */
static void wait_for_frame(const struct timespec *begin, long n, long fps)
{
  struct timespec due = *begin;
  due.tv_sec += n / fps;
  due.tv_nsec += n % fps * (1000000000L / fps);
  if (due.tv_nsec >= 1000000000L) {
    due.tv_sec++;
    due.tv_nsec -= 1000000000L;
  }
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
    ;
}

static int write_frame(FILE *out, const Options *o, const uint8_t *frame, uint8_t *plane)
{
  size_t luma = (size_t)(o->width * o->height), half = (size_t)((o->width + 1) / 2 * ((o->height + 1) / 2));
  if (!o->y4m)
    return fwrite(frame, 1, luma + 2 * half, out) == luma + 2 * half ? 0 : -1;
  if (fputs("FRAME\n", out) < 0 || fwrite(frame, 1, luma, out) != luma)
    return -1;
  for (size_t c = 0; c < 2; c++) {
    for (size_t i = 0; i < half; i++)
      plane[i] = frame[luma + 2 * i + c];
    if (fwrite(plane, 1, half, out) != half)
      return -1;
  }
  return 0;
}

static int write_all(const Options *o, QfScene *scene, FILE *out, FILE *truth, uint8_t *frame, uint8_t *plane)
{
  struct timespec begin;
  char line[QF_SCENE_TRUTH_BYTES];
  clock_gettime(CLOCK_MONOTONIC, &begin);
  if (o->y4m)
    fprintf(out, "YUV4MPEG2 W%ld H%ld F%ld:1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n", o->width, o->height,
            o->fps);
  for (long n = 0; n < o->frames; n++) {
    qf_scene_render(scene, (uint64_t)n, frame, (int32_t)o->width, frame + o->width * o->height,
                    (int32_t)((o->width + 1) / 2 * 2));
    qf_scene_truth(scene, line, sizeof line);
    if (o->live)
      wait_for_frame(&begin, n, o->fps);
    if (write_frame(out, o, frame, plane) || (o->live && fflush(out)) ||
        (truth && fprintf(truth, "%s\n", line) < 0)) {
      fprintf(stderr, "qnnflow-scene: write failed: %s\n", strerror(errno));
      return 1;
    }
  }
  return 0;
}

int main(int argc, char **argv)
{
  Options o = {1, 300, 1280, 720, 30, QF_SCENE_SHOT_LENGTH, 0, 0, NULL, NULL};
  if (parse_options(argc, argv, &o)) {
    int asked = argc == 2 && strcmp(argv[1], "--help") == 0;
    fputs(usage, asked ? stdout : stderr);
    return asked ? 0 : 2;
  }
  FILE *out = o.output ? open_output(o.output) : stdout, *truth = o.truth ? open_output(o.truth) : NULL;
  size_t half = (size_t)((o.width + 1) / 2 * ((o.height + 1) / 2));
  uint8_t *frame = malloc((size_t)(o.width * o.height) + 2 * half), *plane = malloc(half);
  QfScene *scene = qf_scene_new(o.seed, (int32_t)o.width, (int32_t)o.height, (uint32_t)o.shot_length);
  int failed = !out || (o.truth && !truth) || !frame || !plane || !scene;
  if (!failed)
    failed = write_all(&o, scene, out, truth, frame, plane);
  if ((out && fclose(out)) || (truth && fclose(truth)))
    failed = 1;
  qf_scene_free(scene);
  free(frame);
  free(plane);
  return failed;
}
