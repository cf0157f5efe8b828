/* SPDX-License-Identifier: MIT */
/*
 * gstqnnplugin.c - the plugin. It only registers: nothing is loaded or probed before an element starts.
 */
#include "gstqnnelements.h"
#include <qnnflow/device.h>

#define PACKAGE "qnnflow"

static gboolean plugin_init(GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER(qnnconvert, plugin) && GST_ELEMENT_REGISTER(qnninfer, plugin) &&
         GST_ELEMENT_REGISTER(qnndecode, plugin) && GST_ELEMENT_REGISTER(qnnoverlay, plugin) &&
         GST_ELEMENT_REGISTER(qnnprofile, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, qnnflow, "Neural networks on live streams",
                  plugin_init, QNN_VERSION, "MIT/X11", "qnnflow", "qnnflow")
