/* SPDX-License-Identifier: MIT */
/*
 * gstqnnscenesrc.h - qnnscenesrc, a live or file-like source of the generated world in scene.h.
 * Registered by gstqnnscene.c as the only element of the plugin "qnnscene".
 */
#ifndef QNNFLOW_GST_QNN_SCENE_SRC_H
#define QNNFLOW_GST_QNN_SCENE_SRC_H

#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_QNN_SCENE_SRC (gst_qnn_scene_src_get_type())
G_DECLARE_FINAL_TYPE(GstQnnSceneSrc, gst_qnn_scene_src, GST, QNN_SCENE_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE(qnnscenesrc);

G_END_DECLS

#endif
