/* SPDX-License-Identifier: MIT */
/*
 * tile_dotprod.c - the part of tile_neon.c that needs the dot product extension, built with it.
 */
#define QFK_DOTPROD
#include "tile_neon.c"
