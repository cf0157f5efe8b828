/* SPDX-License-Identifier: MIT */
/*
 * test-decode.c - decoders on tensors made by hand, where every number that must come out is known: formulas, overlap, order,
 * the way back through a letterbox, quantized outputs, and outputs that are nonsense.
 */
#include <qnnflow/decode.h>

#include <math.h>
#include <string.h>

typedef struct {
  const char *name;
  QfDType dtype;
  int rank;
  int64_t dims[4];
  QfScaleOffset quant; /* scale 0: none */
} Out;

/* Makes a decoder for @n outputs; NULL and @error when it cannot. */
static QfDecoder *make(const char *name, const QfDecoderConfig *config, const Out *outs, uint32_t n,
                       GError **error)
{
  QfTensorDesc desc[12] = {0};
  const QfTensorDesc *list[12];
  for (uint32_t k = 0; k < n; k++) {
    desc[k].name = outs[k].name ? outs[k].name : "output";
    desc[k].dtype = outs[k].dtype ? outs[k].dtype : QF_DTYPE_FLOAT32;
    desc[k].rank = outs[k].rank;
    memcpy(desc[k].dims, outs[k].dims, sizeof outs[k].dims);
    if (outs[k].quant.scale > 0)
      desc[k].quant = (QfQuant){1, 0, &outs[k].quant};
    list[k] = &desc[k];
  }
  return qf_decoder_new(name, config, list, n, error);
}

static QfDecoder *must_make(const char *name, const QfDecoderConfig *config, const Out *outs, uint32_t n)
{
  g_autoptr(GError) error = NULL;
  QfDecoder *d = make(name, config, outs, n, &error);
  g_assert_no_error(error);
  return d;
}

static void must_fail(const char *name, const QfDecoderConfig *config, const Out *outs, uint32_t n,
                      QfError code, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(make(name, config, outs, n, &error));
  g_assert_error(error, QF_ERROR, (gint)code);
  if (!strstr(error->message, part))
    g_error("\"%s\" does not say \"%s\"", error->message, part);
}

static void near_to(float a, float b)
{
  g_assert_cmpfloat_with_epsilon(a, b, 1e-3f * (1 + fabsf(b)));
}

static void test_choice(void)
{
  static const struct {
    const char *chosen;
    Out outs[4];
    uint32_t n;
  } cases[] = {
      {"classification", {{.rank = 2, .dims = {1, 1001}}}, 1},
      {"classification", {{.rank = 4, .dims = {1, 1, 1, 12}, .dtype = QF_DTYPE_INT8}}, 1},
      {"segmentation", {{.rank = 4, .dims = {1, 64, 64, 21}}}, 1},
      {"segmentation", {{.rank = 4, .dims = {1, 21, 64, 64}}}, 1},
      {"segmentation", {{.rank = 3, .dims = {1, 480, 640}, .dtype = QF_DTYPE_INT64}}, 1},
      {"segmentation", {{.rank = 4, .dims = {1, 1, 256, 256}}}, 1},
      {"yolo", {{.rank = 3, .dims = {1, 84, 8400}}}, 1},
      {"yolo", {{.rank = 3, .dims = {1, 25200, 85}}}, 1},
      {"yolo", {{.rank = 3, .dims = {1, 300, 6}}}, 1},
      {"fastestdet", {{.rank = 4, .dims = {1, 85, 22, 22}}}, 1},
      {"grid", {{.name = "grid", .rank = 4, .dims = {1, 10, 18, 32}}}, 1},
      {"movenet", {{.rank = 4, .dims = {1, 1, 17, 3}}}, 1},
      {"ultraface", {{.rank = 3, .dims = {1, 4420, 2}}, {.rank = 3, .dims = {1, 4420, 4}}}, 2},
      {"blazeface", {{.rank = 3, .dims = {1, 896, 16}}, {.rank = 3, .dims = {1, 896, 1}}}, 2},
      {"ssd",
       {{.rank = 3, .dims = {1, 10, 4}},
        {.rank = 2, .dims = {1, 10}},
        {.rank = 2, .dims = {1, 10}},
        {.rank = 1, .dims = {1}}},
       4},
  };
  const QfDecoderConfig sized = {.input_width = 256, .input_height = 144};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(QfDecoder) d = must_make("auto", &sized, cases[i].outs, cases[i].n);
    g_assert_cmpstr(qf_decoder_name(d), ==, cases[i].chosen);
  }
  uint32_t count;
  const QfDecoderInfo *infos = qf_decoder_list(&count);
  const Out odd = {.rank = 4, .dims = {3, 5, 7, 9}};
  for (uint32_t i = 0; i < count; i++) {
    g_assert_nonnull(infos[i].description);
    must_fail("auto", &sized, &odd, 1, QF_ERROR_UNSUPPORTED, infos[i].name); /* says what each wants */
    must_fail(infos[i].name, &sized, &odd, 1, QF_ERROR_UNSUPPORTED, "3x5x7x9");
  }
  const Out scores = {.rank = 2, .dims = {1, 10}}, open = {.rank = 2, .dims = {1, -1}},
            huge = {.rank = 1, .dims = {1LL << 61}},
            faces[2] = {{.rank = 3, .dims = {1, 896, 16}}, {.rank = 3, .dims = {1, 896, 1}}};
  must_fail("nonsense", NULL, &scores, 1, QF_ERROR_ARGUMENT, "classification");
  must_fail("auto", NULL, &open, 1, QF_ERROR_SHAPE, "output");
  must_fail("auto", NULL, &huge, 1, QF_ERROR_UNSUPPORTED, "no decoder");
  must_fail("auto", NULL, NULL, 0, QF_ERROR_UNSUPPORTED, "no decoder");
  must_fail("auto", NULL, faces, 2, QF_ERROR_ARGUMENT, "width and height");
  must_fail("auto", &(QfDecoderConfig){.threshold = 2}, &scores, 1, QF_ERROR_ARGUMENT, "threshold");
  must_fail("auto", &(QfDecoderConfig){.params = "speed=9"}, &scores, 1, QF_ERROR_ARGUMENT, "softmax=auto");
  must_fail("auto", &(QfDecoderConfig){.params = "softmax=7"}, &scores, 1, QF_ERROR_ARGUMENT, "softmax=7");
  must_fail("auto", &(QfDecoderConfig){.params = "label-offset=x"}, &scores, 1, QF_ERROR_ARGUMENT,
            "label-offset=x");
}

static void test_classification(void)
{
  const Out floats = {.rank = 2, .dims = {1, 4}},
            bytes = {.rank = 2, .dims = {1, 4}, .dtype = QF_DTYPE_UINT8, .quant = {0.5f, -10}};
  const float logits[] = {1, 3, -2, 3}, probabilities[] = {0.25f, 0.5f, 0.05f, 0.2f};
  const uint8_t q[] = {10, 11, 11, 12}; /* 0, 0.5, 0.5, 1 */
  const void *data = logits;
  QfResults r;
  g_autoptr(QfDecoder) d = must_make("auto", &(QfDecoderConfig){.max_results = 3}, &floats, 1);
  qf_decoder_run(d, &data, NULL, &r);
  double sum = exp(1) + 2 * exp(3) + exp(-2);
  g_assert_cmpuint(r.n_classes, ==, 3);
  g_assert_cmpint(r.classes[0].class_id, ==, 1); /* equal scores: the first comes first */
  g_assert_cmpint(r.classes[1].class_id, ==, 3);
  near_to(r.classes[0].score, (float)(exp(3) / sum));
  near_to(r.classes[2].score, (float)(exp(1) / sum));
  data = probabilities;
  qf_decoder_run(d, &data, NULL, &r);
  g_assert_cmpfloat(r.classes[0].score, ==, 0.5f);
  g_assert_cmpint(r.classes[2].class_id, ==, 3);
  g_autoptr(QfDecoder) quantized =
      must_make("classification", &(QfDecoderConfig){.threshold = 0.4f}, &bytes, 1);
  data = q;
  qf_decoder_run(quantized, &data, NULL, &r);
  g_assert_cmpuint(r.n_classes, ==, 3);
  g_assert_cmpint(r.classes[0].class_id, ==, 3);
  g_assert_cmpfloat(r.classes[1].score, ==, 0.5f);
}

/* The same two boxes through every order of outputs that is known. */
static void test_ssd(void)
{
  const float yxyx[] = {.1f, .2f, .5f, .6f, .0f, .0f, .9f, .9f, .3f, .3f, .4f, .4f};
  const float xyxy[] = {.2f, .1f, .6f, .5f, .0f, .0f, .9f, .9f, .3f, .3f, .4f, .4f};
  const float classes[] = {7, 2, 1}, scores[] = {.75f, .875f, .99f}, count = 2, all = 3;
  const int64_t labels[] = {7, 2, 1};
  const Out b = {.name = "a", .rank = 3, .dims = {1, 3, 4}}, l = {.name = "b", .rank = 2, .dims = {1, 3}},
            n = {.name = "c", .rank = 1, .dims = {1}};
  Out named = l, whole = l;
  named.name = "detection_scores";
  whole.dtype = QF_DTYPE_INT64;
  const struct {
    Out outs[4];
    uint32_t n;
    const void *data[4];
    uint32_t found;
  } cases[] = {
      {{b, l, l, n}, 4, {yxyx, classes, scores, &count}, 2},
      {{l, b, n, l}, 4, {scores, yxyx, &count, classes}, 2},
      {{b, named, l, n}, 4, {yxyx, scores, classes, &all}, 3},
      {{b, whole, l}, 3, {xyxy, labels, scores}, 3},
      {{whole, l, b}, 3, {labels, scores, xyxy}, 3},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfResults r;
    g_autoptr(QfDecoder) d = must_make("auto", &(QfDecoderConfig){.input_width = 100, .input_height = 200},
                                       cases[i].outs, cases[i].n);
    qf_decoder_run(d, cases[i].data, NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, cases[i].found);
    const QfDetection *best = &r.detections[cases[i].found - 2], *next = best + 1;
    g_assert_cmpint(best->class_id, ==, 2);
    g_assert_cmpfloat(best->score, ==, .875f);
    g_assert_cmpint(next->class_id, ==, 7);
    near_to(next->x, 20);
    near_to(next->y, 20);
    near_to(next->width, 40);
    near_to(next->height, 80);
  }
}

static void test_grid(void)
{
  /* One object of class 1 in cell (row 1, column 2) of 3x4, stride 8; logits elsewhere say no. */
  float nchw[7][3][4], nhwc[3][4][7];
  int8_t quantized[7][3][4];
  const float cell[7] = {2, 0.5f, -1, 1.5f, 0, -1, 1};
  for (int c = 0; c < 7; c++)
    for (int i = 0; i < 12; i++) {
      float v = i == 6 ? cell[c] : c == 0 ? -6 : 0;
      nchw[c][i / 4][i % 4] = nhwc[i / 4][i % 4][c] = v;
      quantized[c][i / 4][i % 4] = (int8_t)(v / 0.5f + 3); /* scale 0.5, zero point 3: exact */
    }
  const Out outs[] = {
      {.name = "grid", .rank = 4, .dims = {1, 7, 3, 4}},
      {.name = "grid", .rank = 4, .dims = {1, 3, 4, 7}},
      {.name = "grid", .rank = 4, .dims = {1, 7, 3, 4}, .dtype = QF_DTYPE_INT8, .quant = {0.5f, -3}}};
  const void *data[] = {nchw, nhwc, quantized};
  const double s = 1 / (1 + exp(-2.0)) / (1 + exp(-1.0)), cx = (2 + 1 / (1 + exp(-0.5))) * 8,
               cy = (1 + 1 / (1 + exp(1.0))) * 8, w = exp(1.5) * 8, h = 8;
  for (int i = 0; i < 3; i++) {
    QfResults r;
    g_autoptr(QfDecoder) d =
        must_make("auto", &(QfDecoderConfig){.input_width = 32, .input_height = 24}, &outs[i], 1);
    qf_decoder_run(d, &data[i], NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, 1);
    const QfDetection *o = &r.detections[0];
    g_assert_cmpint(o->class_id, ==, 1);
    near_to(o->score, (float)s);
    near_to(o->x, (float)fmax(cx - w / 2, 0));
    near_to(o->x + o->width, (float)fmin(cx + w / 2, 32));
    near_to(o->y, (float)(cy - h / 2));
    near_to(o->height, (float)h);
  }
}

static void test_overlap(void)
{
  /* corners, score, class: the second overlaps the first by IoU 0.6, the third too but of another class */
  const float boxes[4][6] = {{0, 0, 80, 100, .9f, 0},
                             {20, 0, 100, 100, .8f, 0},
                             {20, 0, 100, 100, .7f, 1},
                             {200, 200, 240, 240, .6f, 0}};
  /* end-to-end heads are taken as they are, so this goes through the same boxes as centre and size */
  float v8[6][40] = {{0}};
  for (int i = 0; i < 4; i++) {
    v8[0][i] = (boxes[i][0] + boxes[i][2]) / 2;
    v8[1][i] = (boxes[i][1] + boxes[i][3]) / 2;
    v8[2][i] = boxes[i][2] - boxes[i][0];
    v8[3][i] = boxes[i][3] - boxes[i][1];
    v8[4 + (int)boxes[i][5]][i] = boxes[i][4];
  }
  static const struct {
    float iou;
    const char *params;
    uint32_t max, found;
  } cases[] = {
      {0, NULL, 0, 3},     {0.7f, NULL, 0, 4},  {0, "agnostic=1", 0, 2},
      {0.59f, NULL, 0, 3}, {0.61f, NULL, 0, 4}, {0.7f, NULL, 2, 2},
  };
  const Out out = {.rank = 3, .dims = {1, 6, 40}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const void *data = v8;
    QfResults r;
    g_autoptr(QfDecoder) d = must_make("yolo",
                                       &(QfDecoderConfig){.iou_threshold = cases[i].iou,
                                                          .params = cases[i].params,
                                                          .max_results = cases[i].max,
                                                          .input_width = 320,
                                                          .input_height = 320},
                                       &out, 1);
    qf_decoder_run(d, &data, NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, cases[i].found);
    for (uint32_t k = 1; k < r.n_detections; k++)
      g_assert_cmpfloat(r.detections[k].score, <=, r.detections[k - 1].score);
  }
}

/* The heads of YOLO say the same thing in different ways. */
static void test_yolo(void)
{
  enum { N = 60 };
  static float v8[7][N], v8t[N][7], v5[N][8], fraction[7][N], end[N][6];
  for (int i = 0; i < N; i++) {
    float x = 10 + 10 * (float)(i % 8), y = 12 + 10 * (float)(i / 8), w = 8, h = 6,
          score = i == 17   ? .8f
                  : i == 40 ? .5f
                            : .01f;
    const float row[7] = {x, y, w, h, .001f, score, .002f};
    for (int c = 0; c < 7; c++) {
      v8[c][i] = v8t[i][c] = row[c];
      fraction[c][i] = c < 4 ? row[c] / 100 : row[c];
      v5[i][c < 4 ? c : c + 1] = c < 4 ? row[c] : row[c] / .9f;
    }
    v5[i][4] = .9f;
    const float corners[6] = {x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, 1};
    memcpy(end[i], corners, sizeof corners);
  }
  const struct {
    Out out;
    const void *data;
    const char *params;
  } cases[] = {
      {{.rank = 3, .dims = {1, 7, N}}, v8, NULL},         {{.rank = 3, .dims = {1, N, 7}}, v8t, "version=v8"},
      {{.rank = 3, .dims = {1, N, 8}}, v5, NULL},         {{.rank = 3, .dims = {1, 7, N}}, fraction, NULL},
      {{.rank = 3, .dims = {1, N, 6}}, end, NULL},        {{.rank = 3, .dims = {1, 7, N}}, v8, "unit=pixels"},
      {{.rank = 3, .dims = {1, N, 8}}, v5, "version=v5"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfResults r;
    g_autoptr(QfDecoder) d =
        must_make("auto",
                  &(QfDecoderConfig){.params = cases[i].params, .input_width = 100, .input_height = 100},
                  &cases[i].out, 1);
    qf_decoder_run(d, &cases[i].data, NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, 2);
    g_assert_cmpint(r.detections[0].class_id, ==, 1);
    near_to(r.detections[0].score, .8f);
    near_to(r.detections[0].x, 16);
    near_to(r.detections[0].y, 29);
    near_to(r.detections[1].width, 8);
    near_to(r.detections[1].height, 6);
  }
}

/* More boxes than compete: the best remain, in order. */
static void test_many(void)
{
  enum { N = 6000 };
  g_autofree float *rows = g_new0(float, 6 * N);
  g_autofree float *scores = g_new(float, N);
  for (int i = 0; i < N; i++) {
    scores[i] = (float)g_test_rand_double_range(0.3, 1);
    const float row[6] = {(float)(i % 100) * 5,
                          (float)(i / 100) * 5,
                          (float)(i % 100) * 5 + 4,
                          (float)(i / 100) * 5 + 4,
                          scores[i],
                          (float)(i % 7)};
    memcpy(rows + 6 * i, row, sizeof row);
  }
  const Out out = {.rank = 3, .dims = {1, N, 6}};
  const void *data = rows;
  QfResults r;
  g_autoptr(QfDecoder) d = must_make("yolo",
                                     &(QfDecoderConfig){.params = "version=end2end,unit=pixels",
                                                        .max_results = 1024,
                                                        .input_width = 600,
                                                        .input_height = 600},
                                     &out, 1);
  for (int pass = 0; pass < 2; pass++) {
    qf_decoder_run(d, &data, NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, 1024);
    float last = 2;
    for (uint32_t i = 0; i < r.n_detections; i++) {
      g_assert_cmpfloat(r.detections[i].score, <=, last);
      last = r.detections[i].score;
    }
    int better = 0;
    for (int i = 0; i < N; i++)
      better += scores[i] > last;
    g_assert_cmpint(better, ==, 1023);
  }
}

/* A box of the frame, put where a letterbox puts it, comes back; what hangs over the edge is cut at the frame. */
static void test_geometry(void)
{
  const Out out = {.rank = 3, .dims = {1, 30, 6}};
  g_autoptr(QfDecoder) d = must_make("yolo", &(QfDecoderConfig){.params = "unit=pixels"}, &out, 1);
  for (int i = 0; i < 300; i++) {
    int32_t fw = g_test_rand_int_range(20, 4000), fh = g_test_rand_int_range(20, 3000);
    QfGeometry g = {.frame_width = fw,
                    .frame_height = fh,
                    .width = g_test_rand_int_range(32, 700),
                    .height = g_test_rand_int_range(32, 700)};
    g.crop = (QfRect){g_test_rand_int_range(0, fw / 2), g_test_rand_int_range(0, fh / 2), fw / 2, fh / 2};
    g.fit = (QfRect){g_test_rand_int_range(0, 15), g_test_rand_int_range(0, 15), g.width - 15, g.height - 15};
    float x0 = (float)g_test_rand_double_range(-5, fw * .6),
          y0 = (float)g_test_rand_double_range(-5, fh * .6);
    float x1 = x0 + (float)g_test_rand_double_range(6, fw), y1 = y0 + (float)g_test_rand_double_range(6, fh);
    float sx = (float)g.fit.width / (float)g.crop.width, sy = (float)g.fit.height / (float)g.crop.height;
    float rows[30][6] = {
        {(float)g.fit.x + (x0 - (float)g.crop.x) * sx, (float)g.fit.y + (y0 - (float)g.crop.y) * sy,
         (float)g.fit.x + (x1 - (float)g.crop.x) * sx, (float)g.fit.y + (y1 - (float)g.crop.y) * sy, .9f, 0}};
    const void *data = rows;
    QfResults r;
    qf_decoder_run(d, &data, &g, &r);
    g_assert_cmpuint(r.n_detections, ==, 1);
    near_to(r.detections[0].x, fmaxf(x0, 0));
    near_to(r.detections[0].y, fmaxf(y0, 0));
    near_to(r.detections[0].x + r.detections[0].width, fminf(x1, (float)fw));
    near_to(r.detections[0].y + r.detections[0].height, fminf(y1, (float)fh));
  }
}

static void test_anchors(void)
{
  /* Anchors of the first grid (16x16, two a cell), of the second (8x8, six a cell): index and centre in 128 pixels. */
  static const struct {
    int index;
    float x, y;
  } known[] = {{0, 4, 4},       {1, 4, 4},   {2, 12, 4},   {32, 4, 12},
               {511, 124, 124}, {512, 8, 8}, {518, 24, 8}, {895, 120, 120}};
  static float boxes[896][16], logits[896];
  const Out outs[] = {{.rank = 3, .dims = {1, 896, 16}}, {.rank = 3, .dims = {1, 896, 1}}};
  g_autoptr(QfDecoder) d =
      must_make("auto", &(QfDecoderConfig){.input_width = 128, .input_height = 128}, outs, 2);
  for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
    QfResults r;
    const void *data[] = {boxes, logits};
    float *b = boxes[known[i].index];
    for (int k = 0; k < 896; k++)
      logits[k] = k == known[i].index ? 2 : -4;
    b[0] = -1;
    b[1] = 1;
    b[2] = b[3] = 4;
    b[4] = 2; /* first key point: two pixels to the right of the anchor */
    qf_decoder_run(d, data, NULL, &r);
    g_assert_cmpuint(r.n_detections, ==, 1);
    g_assert_cmpstr(r.detections[0].label, ==, "face");
    near_to(r.detections[0].score, 0.880797f);
    near_to(r.detections[0].x, known[i].x - 3);
    near_to(r.detections[0].y, known[i].y - 1);
    g_assert_cmpuint(r.detections[0].n_keypoints, ==, 6);
    near_to(r.detections[0].keypoints[0].x, known[i].x + 2);
  }
}

static void test_segmentation(void)
{
  float nhwc[6][8][3] = {{{0}}}, nchw[3][6][8] = {{{0}}}, logit[6][8];
  int64_t map[6][8];
  uint8_t bytes[6][8];
  for (int i = 0; i < 48; i++) {
    int c = (i / 8 + i % 8) % 3;
    nhwc[i / 8][i % 8][c] = nchw[c][i / 8][i % 8] = 5;
    map[i / 8][i % 8] = bytes[i / 8][i % 8] = (uint8_t)c;
    logit[i / 8][i % 8] = c ? 1.5f : -2;
  }
  const struct {
    Out out;
    const void *data;
    uint32_t n_classes;
  } cases[] = {
      {{.rank = 4, .dims = {1, 6, 8, 3}}, nhwc, 3},
      {{.rank = 4, .dims = {1, 3, 6, 8}}, nchw, 3},
      {{.rank = 3, .dims = {1, 6, 8}, .dtype = QF_DTYPE_INT64}, map, 256},
      {{.rank = 4, .dims = {1, 6, 8, 1}, .dtype = QF_DTYPE_UINT8}, bytes, 256},
      {{.rank = 4, .dims = {1, 1, 6, 8}}, logit, 2},
  };
  /* The tensor is twice the map; the frame fills its rows 2 to 10. */
  const QfGeometry g = {{10, 20, 320, 160}, {0, 2, 16, 8}, 640, 480, 16, 12};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    QfResults r;
    g_autoptr(QfDecoder) d = must_make("auto", NULL, &cases[i].out, 1);
    g_assert_cmpstr(qf_decoder_name(d), ==, "segmentation");
    qf_decoder_run(d, &cases[i].data, &g, &r);
    g_assert_cmpint(r.mask.width, ==, 8);
    g_assert_cmpint(r.mask.height, ==, 4);
    g_assert_cmpuint(r.mask.n_classes, ==, cases[i].n_classes);
    g_assert_cmpmem(&r.mask.region, sizeof(QfRect), &g.crop, sizeof(QfRect));
    for (int k = 0; k < 32; k++) {
      int c = (k / 8 + 1 + k % 8) % 3;
      g_assert_cmpint(r.mask.classes[k], ==, cases[i].n_classes == 2 ? c != 0 : c);
    }
  }
}

/* Any bits in any output: nothing breaks, and what is reported is a number inside the frame. */
static void test_nonsense(void)
{
  static const struct {
    const char *name;
    Out outs[4];
    uint32_t n;
  } cases[] = {
      {"classification", {{.rank = 2, .dims = {1, 50}}}, 1},
      {"segmentation", {{.rank = 4, .dims = {1, 9, 9, 3}}}, 1},
      {"segmentation", {{.rank = 3, .dims = {1, 9, 9}, .dtype = QF_DTYPE_INT64}}, 1},
      {"yolo", {{.rank = 3, .dims = {1, 84, 400}}}, 1},
      {"yolo", {{.rank = 3, .dims = {1, 400, 6}}}, 1},
      {"fastestdet", {{.rank = 4, .dims = {1, 85, 4, 4}}}, 1},
      {"grid", {{.rank = 4, .dims = {1, 10, 9, 16}, .dtype = QF_DTYPE_FLOAT16}}, 1},
      {"movenet", {{.rank = 4, .dims = {1, 1, 17, 3}}}, 1},
      {"ultraface", {{.rank = 3, .dims = {1, 700, 2}}, {.rank = 3, .dims = {1, 700, 4}}}, 2},
      {"blazeface", {{.rank = 3, .dims = {1, 896, 16}}, {.rank = 3, .dims = {1, 896, 1}}}, 2},
      {"ssd",
       {{.rank = 3, .dims = {1, 10, 4}},
        {.rank = 2, .dims = {1, 10}},
        {.rank = 2, .dims = {1, 10}},
        {.rank = 1, .dims = {1}}},
       4},
  };
  static uint32_t bits[2][1 << 16];
  const QfGeometry g = {{0, 0, 640, 480}, {0, 10, 64, 44}, 640, 480, 64, 64};
  for (int i = 0; i < 2200; i++) {
    const void *data[] = {bits[0], bits[1], bits[0] + 40, bits[1] + 40};
    guint c = (guint)i % G_N_ELEMENTS(cases);
    for (int k = 0; k < 1 << 12; k++) { /* mostly any float, sometimes one near zero */
      float f = (float)g_test_rand_double_range(-2, 2);
      bits[0][k] = g_test_rand_int();
      memcpy(&bits[1][k], &f, 4);
    }
    QfResults r;
    g_autoptr(QfDecoder) d =
        must_make(cases[c].name,
                  &(QfDecoderConfig){.input_width = 64, .input_height = 64, .threshold = 0.01f},
                  cases[c].outs, cases[c].n);
    qf_decoder_run(d, data, &g, &r);
    for (uint32_t k = 0; k < r.n_detections; k++) {
      const QfDetection *o = &r.detections[k];
      g_assert_true(o->x >= 0 && o->y >= 0 && o->width > 0 && o->height > 0);
      g_assert_true(o->x + o->width <= 640.01f && o->y + o->height <= 480.01f && isfinite(o->score));
    }
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/decode/choice", test_choice);
  g_test_add_func("/decode/classification", test_classification);
  g_test_add_func("/decode/ssd", test_ssd);
  g_test_add_func("/decode/grid", test_grid);
  g_test_add_func("/decode/overlap", test_overlap);
  g_test_add_func("/decode/yolo", test_yolo);
  g_test_add_func("/decode/many", test_many);
  g_test_add_func("/decode/geometry", test_geometry);
  g_test_add_func("/decode/anchors", test_anchors);
  g_test_add_func("/decode/segmentation", test_segmentation);
  g_test_add_func("/decode/nonsense", test_nonsense);
  return g_test_run();
}
