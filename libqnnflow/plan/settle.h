/* SPDX-License-Identifier: MIT */
/*
 * settle.h - the last part of a placement: buffers move to where threads find the lines that they had before.
 */
#ifndef QF_PLAN_SETTLE_H
#define QF_PLAN_SETTLE_H

#include "plan.h"

/* @items are placed within @total bytes, and still are afterwards. */
void qf_plan_settle(QfPlanItem *items, uint32_t n_items, size_t alignment, size_t total);

#endif
