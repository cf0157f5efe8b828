/* SPDX-License-Identifier: MIT */
/*
 * inputs.c - files to input tensors. What a file is, is told from its content.
 */
#include "inputs.h"

#include "npy.h"
#include "picture.h"
#include "tool.h"

#include <math.h>
#include <string.h>

/* Same dimensions, those of size one aside. */
static gboolean dims_match(const QfNpy *array, const QfTensorDesc *desc)
{
  int a = 0, d = 0;
  for (;; a++, d++) {
    while (a < array->rank && array->dims[a] == 1)
      a++;
    while (d < desc->rank && desc->dims[d] == 1)
      d++;
    if (a == array->rank || d == desc->rank)
      return a == array->rank && d == desc->rank;
    if (array->dims[a] != desc->dims[d])
      return FALSE;
  }
}

static void quantize(const float *from, const QfTensorDesc *desc, void *data)
{
  int64_t low, high, n = qf_dims_count(desc->dims, desc->rank);
  double scale = desc->quant.entries[0].scale, offset = desc->quant.entries[0].offset;
  size_t size = qf_dtype_size(desc->dtype);
  qf_dtype_range(desc->dtype, &low, &high);
  for (int64_t i = 0; i < n; i++) {
    double q = rint(from[i] / scale) - offset;
    int64_t value = isnan(q) ? 0 : (int64_t)CLAMP(q, (double)low, (double)high);
    memcpy((char *)data + i * size, &value, size); /* little-endian: the low bytes come first */
  }
}

static gboolean read_npy(const char *path, const QfTensorDesc *desc, void *data, GError **error)
{
  g_auto(QfNpy) array = {0};
  g_autofree char *want = qf_tool_tensor_text(desc);
  if (!qf_npy_read(path, &array, error))
    return FALSE;
  g_autofree char *dims = qf_dims_to_string(array.dims, array.rank);
  gboolean convert = array.dtype == QF_DTYPE_FLOAT32 && desc->quant.count == 1;
  if (!dims_match(&array, desc) || (array.dtype != desc->dtype && !convert)) {
    g_set_error(error, QF_ERROR, array.dtype != desc->dtype ? QF_ERROR_TYPE : QF_ERROR_SHAPE,
                "%s: holds %s %s but input '%s' is %s; save an array of that shape and type", path, dims,
                qf_dtype_name(array.dtype), desc->name, want);
    return FALSE;
  }
  if (convert)
    quantize(array.data, desc, data);
  else
    memcpy(data, array.data, desc->size_bytes);
  return TRUE;
}

#ifdef QF_WITH_GST
/* Where width, height and channels stand in a 4-D input. FALSE when it is no image. */
static gboolean image_axes(const QfTensorDesc *desc, QfLayout *layout, int *height, int *channels)
{
  if (desc->rank != 4 || desc->dims[0] != 1)
    return FALSE;
  *layout = desc->layout;
  if (*layout == QF_LAYOUT_ANY)
    *layout = desc->dims[1] <= 3 && desc->dims[3] > 3 ? QF_LAYOUT_NCHW : QF_LAYOUT_NHWC;
  *height = *layout == QF_LAYOUT_NCHW ? 2 : 1;
  *channels = desc->dims[*layout == QF_LAYOUT_NCHW ? 1 : 3];
  return (*channels == 1 || *channels == 3) && desc->dims[*height] <= 32768 &&
         desc->dims[*height + 1] <= 32768;
}

static gboolean read_picture(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                             void *data, GError **error)
{
  g_auto(QfPicture) picture = {0};
  g_autofree char *want = qf_tool_tensor_text(desc);
  QfLayout layout;
  int height, channels;
  if (!image_axes(desc, &layout, &height, &channels)) {
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "%s: is a picture but input '%s' is %s, no image of 1 or 3 channels; give a .npy file", path,
                desc->name, want);
    return FALSE;
  }
  if (!qf_picture_read(path, &picture, error))
    return FALSE;
  QfImage image = {.format = QF_PIXEL_RGB, .width = picture.width, .height = picture.height};
  image.planes[0] = picture.rgb;
  image.strides[0] = picture.stride_bytes;
  QfImageTarget target = {.dtype = desc->dtype,
                          .layout = layout,
                          .width = desc->dims[height + 1],
                          .height = desc->dims[height],
                          .channels = channels == 1 ? QF_CHANNELS_GRAY : options->channels,
                          .fit = options->fit};
  memcpy(target.mean, options->mean, sizeof target.mean);
  memcpy(target.std, options->std, sizeof target.std);
  gboolean numbers = options->has_mean || options->has_std;
  if (numbers && desc->quant.count) {
    target.scale = desc->quant.entries[0].scale;
    target.offset = desc->quant.entries[0].offset;
  } else if (desc->dtype == QF_DTYPE_INT8) {
    target.offset = 128; /* pixel 0 is -128 */
  }
  g_autoptr(QfImageConverter) converter = qf_image_converter_new(&image, &target, error);
  return converter && qf_image_convert(converter, &image, NULL, data, NULL, error);
}
#endif

static gboolean read_raw(const char *path, const uint8_t *bytes, gsize length, const QfTensorDesc *desc,
                         void *data, GError **error)
{
  g_autofree char *want = qf_tool_tensor_text(desc);
  if (length != desc->size_bytes) {
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE,
                "%s: is neither a .npy file nor a picture, and as raw bytes it has %" G_GSIZE_FORMAT
                " where input '%s' (%s) takes %" G_GSIZE_FORMAT,
                path, length, desc->name, want, desc->size_bytes);
    return FALSE;
  }
  memcpy(data, bytes, length);
  return TRUE;
}

gboolean qf_input_read(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                       void *data, GError **error)
{
  g_autoptr(GError) cause = NULL;
  gsize length;
  g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &cause);
  if (!file) {
    g_set_error(error, QF_ERROR, QF_ERROR_FILE, "%s: cannot be read (%s)", path, cause->message);
    return FALSE;
  }
  g_autoptr(GBytes) bytes = g_mapped_file_get_bytes(file);
  const uint8_t *content = g_bytes_get_data(bytes, &length);
  if (length > 6 && !memcmp(content, "\x93NUMPY", 6))
    return read_npy(path, desc, data, error);
#ifdef QF_WITH_GST
  /* A raw file may happen to start like a picture; its size decides. */
  if (length != desc->size_bytes && qf_picture_is_one(content, length))
    return read_picture(path, desc, options, data, error);
#endif
  return read_raw(path, content, length, desc, data, error);
}

/* An array of the input's type whose dimensions fit those that the input has. */
static QfValue *read_open(const char *path, const QfTensorDesc *desc, GError **error)
{
  g_auto(QfNpy) array = {0};
  g_autofree char *want = qf_tool_tensor_text(desc);
  if (!qf_npy_read(path, &array, error))
    return NULL;
  gboolean fits = array.dtype == desc->dtype && (desc->rank < 0 || desc->rank == array.rank);
  for (int i = 0; fits && i < desc->rank; i++)
    fits = desc->dims[i] < 0 || desc->dims[i] == array.dims[i];
  if (!fits) {
    g_autofree char *dims = qf_dims_to_string(array.dims, array.rank);
    g_set_error(error, QF_ERROR, QF_ERROR_SHAPE, "%s: holds %s %s but input '%s' is %s ('?' is open)", path,
                dims, qf_dtype_name(array.dtype), desc->name, want);
    return NULL;
  }
  g_autoptr(GBytes) bytes = g_bytes_new(array.data, array.size_bytes);
  return qf_value_new_tensor(array.dtype, array.dims, array.rank, bytes, error);
}

QfValue *qf_input_read_value(const char *path, const QfTensorDesc *desc, const QfPictureOptions *options,
                             GError **error)
{
  if (desc->rank < 0 || qf_dims_count(desc->dims, desc->rank) < 0)
    return read_open(path, desc, error);
  g_autofree void *data = g_malloc(desc->size_bytes + 1);
  if (!qf_input_read(path, desc, options, data, error))
    return NULL;
  g_autoptr(GBytes) bytes = g_bytes_new_take(g_steal_pointer(&data), desc->size_bytes);
  return qf_value_new_tensor(desc->dtype, desc->dims, desc->rank, bytes, error);
}
