/* SPDX-License-Identifier: MIT */
/* unistd.h - the size of a page, for Hexagon. */
#ifndef QFK_RT_UNISTD_H
#define QFK_RT_UNISTD_H

#define _SC_PAGESIZE 30
static inline long sysconf(int name)
{
  return name == _SC_PAGESIZE ? 65536 : -1;
}

#endif
