/* SPDX-License-Identifier: MIT */
/* qnnflow.h - everything. */
#ifndef QNNFLOW_H
#define QNNFLOW_H

#include <qnnflow/error.h>
#include <qnnflow/tensor.h>
#include <qnnflow/model.h>
#include <qnnflow/inspect.h>
#include <qnnflow/memory.h>
#include <qnnflow/session.h>
#include <qnnflow/gguf.h>
#include <qnnflow/device.h>
#include <qnnflow/compare.h>
#include <qnnflow/image.h>
#include <qnnflow/decode.h>
#include <qnnflow/profile.h>
#include <qnnflow/pipeline.h>

#endif
