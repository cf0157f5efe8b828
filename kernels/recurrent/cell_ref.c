/* SPDX-License-Identifier: MIT */
/* cell_ref.c - the loops of cell_vec.h, compiled for any machine. */
#define QFK_ISA ref
#include "cell_vec.h"
