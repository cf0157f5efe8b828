/* SPDX-License-Identifier: MIT */
/*
 * test-published.c - decoders on recorded outputs of published models, against what is in the pictures: the detections
 * that tflite-support publishes for cats_and_dogs.jpg, the astronaut's face, the masks of the segmentation networks.
 * Skips what is not there.
 */
#include <qnnflow/decode.h>

#include <math.h>
#include <string.h>

typedef struct {
  QfTensorDesc desc[12];
  const QfTensorDesc *list[12];
  const void *data[12];
  gchar *files[12];
  uint32_t n;
} Outputs;

static const char *data_dir(void)
{
  const char *env = g_getenv("QF_TESTDATA");
  return env ? env : QF_SOURCE_ROOT "/../shared/testdata";
}

static QfDType npy_dtype(const char *header)
{
  static const struct {
    const char *code;
    QfDType dtype;
  } codes[] = {{"'<f4'", QF_DTYPE_FLOAT32},
               {"'|u1'", QF_DTYPE_UINT8},
               {"'|i1'", QF_DTYPE_INT8},
               {"'<i8'", QF_DTYPE_INT64}};
  for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
    if (strstr(header, codes[i].code))
      return codes[i].dtype;
  g_error("npy: no known type in %s", header);
}

/* Reads output @k; FALSE when there is none. */
static gboolean read_output(Outputs *o, const char *dir, const char *name)
{
  g_autofree char *path = g_strdup_printf("%s/output_%u.npy", dir, o->n);
  gsize size;
  if (o->n == 12 || !g_file_get_contents(path, &o->files[o->n], &size, NULL))
    return FALSE;
  const uint8_t *b = (const uint8_t *)o->files[o->n];
  gsize length = (gsize)(b[8] | b[9] << 8);
  g_autofree char *header = g_strndup((const char *)b + 10, length);
  QfTensorDesc *d = &o->desc[o->n];
  *d = (QfTensorDesc){.name = name, .dtype = npy_dtype(header)};
  for (char *p = strchr(header, '(') + 1; *p && *p != ')'; p++)
    if (g_ascii_isdigit(*p))
      d->dims[d->rank++] = g_ascii_strtoll(p, &p, 10), p--;
  d->size_bytes = (size_t)qf_dims_count(d->dims, d->rank) * qf_dtype_size(d->dtype);
  g_assert_cmpuint(size, ==, 10 + length + d->size_bytes);
  o->data[o->n] = b + 10 + length;
  o->list[o->n] = d;
  o->n++;
  return TRUE;
}

static gboolean load(Outputs *o, const char *model, const char *const *names)
{
  *o = (Outputs){0};
  g_autofree char *dir = g_strdup_printf("%s/refs/%s", data_dir(), model);
  while (read_output(o, dir, names && names[o->n] ? names[o->n] : "output"))
    ;
  if (!o->n)
    g_test_skip_printf("no recorded outputs in %s", dir);
  return o->n > 0;
}

static void unload(Outputs *o)
{
  for (uint32_t k = 0; k < o->n; k++)
    g_free(o->files[k]);
}

/* Decodes with the frame stretched over the whole input, and gives the decoder back. */
static QfDecoder *decode(const char *name, const char *chosen, Outputs *o, QfDecoderConfig config,
                         int32_t frame_width, int32_t frame_height, QfResults *results)
{
  g_autoptr(GError) error = NULL;
  QfDecoder *d = qf_decoder_new(name, &config, o->list, o->n, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(qf_decoder_name(d), ==, chosen);
  QfGeometry g = {.crop = {0, 0, frame_width, frame_height},
                  .fit = {0, 0, config.input_width, config.input_height},
                  .frame_width = frame_width,
                  .frame_height = frame_height,
                  .width = config.input_width,
                  .height = config.input_height};
  qf_decoder_run(d, o->data, &g, results);
  g_autofree char *json = qf_results_to_json(results, 0, 0);
  g_test_message("%.3000s", json);
  return d;
}

static char *labels(const char *name)
{
  return g_strdup_printf("%s/labels/%s", data_dir(), name);
}

static void test_ssd(void)
{
  static const char *const names[] = {"TFLite_Detection_PostProcess", "TFLite_Detection_PostProcess:1",
                                      "TFLite_Detection_PostProcess:2", "TFLite_Detection_PostProcess:3",
                                      NULL};
  static const struct {
    const char *label;
    float published;
    float score; /* of the recorded run */
  } want[] = {{"cat", .64f, .656f}, {"cat", .61f, .621f}, {"cat", .56f, .539f}, {"dog", .50f, .500f}};
  Outputs o;
  QfResults r;
  if (!load(&o, "tflite/coco_ssd_mobilenet_v1_1.0_quant", names))
    return;
  g_autofree char *path = labels("coco_labels.txt");
  g_autoptr(QfDecoder) d G_GNUC_UNUSED = decode(
      "auto", "ssd", &o,
      (QfDecoderConfig){.threshold = 0.49f, .labels_path = path, .input_width = 300, .input_height = 300},
      640, 480, &r);
  g_assert_cmpuint(r.n_detections, ==, 4);
  for (guint i = 0; i < 4; i++) {
    g_assert_cmpstr(r.detections[i].label, ==, want[i].label);
    g_assert_cmpfloat_with_epsilon(r.detections[i].score, want[i].score, 0.001f);
    g_assert_cmpfloat_with_epsilon(r.detections[i].score, want[i].published, 0.03f);
  }
  unload(&o);
}

/* The astronaut's face in astronaut.png, 512x512: forehead to chin, marked by hand. */
static const float face[4] = {178, 60, 276, 186};

/* Intersection over union with corners marked by hand. */
static float overlap(const QfDetection *d, const float *marked)
{
  float w = fminf(d->x + d->width, marked[2]) - fmaxf(d->x, marked[0]);
  float h = fminf(d->y + d->height, marked[3]) - fmaxf(d->y, marked[1]);
  float both = fmaxf(w, 0) * fmaxf(h, 0);
  return both / (d->width * d->height + (marked[2] - marked[0]) * (marked[3] - marked[1]) - both);
}

static const char *const yunet_names[] = {"cls_8",  "cls_16", "cls_32",  "obj_8",   "obj_16",
                                          "obj_32", "bbox_8", "bbox_16", "bbox_32", "kps_8",
                                          "kps_16", "kps_32", NULL};

static const struct {
  const char *model, *decoder;
  const char *const *names;
  int32_t width, height;
  uint32_t n_keypoints;
} faces[] = {
    {"onnx/ultraface_slim_320", "ultraface", NULL, 320, 240, 0},
    {"onnx/ultraface_rfb_320_simplified", "ultraface", NULL, 320, 240, 0},
    {"tflite/ultraface_slim_320", "ultraface", NULL, 320, 240, 0},
    {"caffe/ultraface_rfb_320", "ultraface", NULL, 320, 240, 0},
    {"onnx/gen_ultraface_slim_qop_u8u8", "ultraface", NULL, 320, 240, 0},
    {"tflite/face_detection_front", "blazeface", NULL, 128, 128, 6},
    {"onnx/yunet_n_320_320", "yunet", yunet_names, 320, 320, 5},
};

static void test_face(gconstpointer data)
{
  guint i = GPOINTER_TO_UINT(data);
  Outputs o;
  QfResults r;
  if (!load(&o, faces[i].model, faces[i].names))
    return;
  g_autoptr(QfDecoder) d G_GNUC_UNUSED =
      decode("auto", faces[i].decoder, &o,
             (QfDecoderConfig){.input_width = faces[i].width, .input_height = faces[i].height}, 512, 512, &r);
  g_assert_cmpuint(r.n_detections, ==, 1);
  g_assert_cmpstr(r.detections[0].label, ==, "face");
  g_assert_cmpfloat(overlap(&r.detections[0], face), >, 0.5f);
  g_assert_cmpuint(r.detections[0].n_keypoints, ==, faces[i].n_keypoints);
  for (uint32_t k = 0; k < r.detections[0].n_keypoints; k++) {
    const QfKeypoint *p = &r.detections[0].keypoints[k];
    g_assert_true(p->x > face[0] - 20 && p->x < face[2] + 20 && p->y > face[1] && p->y < face[3]);
  }
  unload(&o);
}

/* The animals of cats_and_dogs.jpg at 640x480, marked by hand; the small network calls the poodle a bear. */
static void test_fastestdet(void)
{
  static const struct {
    const char *label;
    float marked[4];
  } animals[] = {{"dog", {331, 122, 486, 480}},
                 {"teddy bear", {208, 174, 340, 480}},
                 {"dog", {42, 322, 236, 480}}};
  Outputs o;
  QfResults r;
  if (!load(&o, "onnx/fastestdet", NULL))
    return;
  g_autofree char *path = labels("coco.names");
  g_autoptr(QfDecoder) d G_GNUC_UNUSED =
      decode("auto", "fastestdet", &o,
             (QfDecoderConfig){.labels_path = path, .input_width = 352, .input_height = 352}, 640, 480, &r);
  g_assert_cmpuint(r.n_detections, ==, G_N_ELEMENTS(animals));
  for (guint i = 0; i < G_N_ELEMENTS(animals); i++) {
    g_assert_cmpstr(r.detections[i].label, ==, animals[i].label);
    g_assert_cmpfloat(overlap(&r.detections[i], animals[i].marked), >, 0.85f);
  }
  unload(&o);
}

static void test_movenet(void)
{
  Outputs o;
  QfResults r;
  if (!load(&o, "tflite/movenet_single_pose_lightning_ptq", NULL))
    return;
  g_autoptr(QfDecoder) d G_GNUC_UNUSED =
      decode("auto", "movenet", &o, (QfDecoderConfig){.input_width = 192, .input_height = 192}, 512, 512, &r);
  g_assert_cmpuint(r.n_detections, ==, 1);
  const QfKeypoint *nose = &r.detections[0].keypoints[0];
  g_assert_true(nose->x > face[0] && nose->x < face[2] && nose->y > face[1] && nose->y < face[3]);
  unload(&o);
}

static void test_classes(void)
{
  static const struct {
    const char *model, *label;
    float score;
    QfScaleOffset quant;
  } cases[] = {
      {"tflite/mobilenet_v1_0.25_224_float", "cheeseburger", 0.9883f, {0, 0}},
      {"tflite/mobilenet_v2_1.0_224_quant", "Egyptian cat", 205 / 256.0f, {1 / 256.0f, 0}},
  };
  g_autofree char *path = labels("imagenet_labels.txt");
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Outputs o;
    QfResults r;
    if (!load(&o, cases[i].model, NULL))
      return;
    if (cases[i].quant.scale > 0)
      o.desc[0].quant = (QfQuant){1, 0, &cases[i].quant};
    g_autoptr(QfDecoder) d G_GNUC_UNUSED =
        decode("auto", "classification", &o, (QfDecoderConfig){.labels_path = path}, 10, 10, &r);
    g_assert_cmpuint(r.n_classes, ==, 5);
    g_assert_cmpstr(r.classes[0].label, ==, cases[i].label);
    g_assert_cmpfloat_with_epsilon(r.classes[0].score, cases[i].score, 0.0001f);
    unload(&o);
  }
}

/* Share of the mask's pixels of @class_id. */
static double share(const QfMask *m, int class_id)
{
  double n = 0;
  for (int32_t i = 0; i < m->width * m->height; i++)
    n += m->classes[i] == class_id;
  return n / m->width / m->height;
}

static void test_masks(void)
{
  static const struct {
    const char *model;
    int32_t size;
    int class_id;
    double low, high; /* share of that class in the published mask, with room */
    uint32_t n_classes;
  } cases[] = {
      {"tflite/deeplabv3_mnv2_dm05_pascal_quant", 513, 3, 0.02, 0.5, 256},
      {"tflite/deeplabv3_257_float", 257, 15, 0.02, 0.9, 21},
      {"onnx/portrait_prisma_nchw", 256, 1, 0.2, 0.8, 2},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Outputs o;
    QfResults r;
    if (!load(&o, cases[i].model, NULL))
      return;
    g_autoptr(QfDecoder) d G_GNUC_UNUSED =
        decode("auto", "segmentation", &o,
               (QfDecoderConfig){.input_width = cases[i].size, .input_height = cases[i].size}, 600, 400, &r);
    g_assert_nonnull(r.mask.classes);
    g_assert_cmpint(r.mask.width, ==, cases[i].size);
    g_assert_cmpuint(r.mask.n_classes, ==, cases[i].n_classes);
    double s = share(&r.mask, cases[i].class_id);
    g_assert_true(s > cases[i].low && s < cases[i].high);
    unload(&o);
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/decode/published/ssd", test_ssd);
  for (guint i = 0; i < G_N_ELEMENTS(faces); i++) {
    g_autofree char *path = g_strdup_printf("/decode/published/face/%s", faces[i].model);
    g_test_add_data_func(path, GUINT_TO_POINTER(i), test_face);
  }
  g_test_add_func("/decode/published/fastestdet", test_fastestdet);
  g_test_add_func("/decode/published/movenet", test_movenet);
  g_test_add_func("/decode/published/classes", test_classes);
  g_test_add_func("/decode/published/masks", test_masks);
  return g_test_run();
}
