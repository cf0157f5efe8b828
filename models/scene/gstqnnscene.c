/* SPDX-License-Identifier: MIT */
/*
 * gstqnnscene.c - the plugin "qnnscene": qnnscenesrc. It is apart from the plugin of the inference elements, so that
 * those stay free of test material and this one is usable without the engine.
 */
#include "gstqnnscenesrc.h"

static gboolean plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(qnnscenesrc, plugin);
}

#define PACKAGE "qnnflow"

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, qnnscene, "Generated scenes with known truth",
                  plugin_init, QNN_SCENE_VERSION, "MIT", "qnnflow", "qnnflow")
