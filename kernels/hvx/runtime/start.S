/* SPDX-License-Identifier: MIT */
/*
 * start.S - where a Hexagon program begins under Linux, and its system calls: number in r6, arguments in r0 to r5.
 */
  .text
  .globl _start
  .type _start,@function
_start:
  { r1 = add(r29, #4)
    r0 = memw(r29+#0) }
  { r29 = and(r29, #-128) }
  { call main }
  { call exit }
  .size _start,.-_start

/* int32_t qfk_rt_call(int32_t number, int32_t a0, ... a5); the sixth argument lies on the stack. */
  .globl qfk_rt_call
  .type qfk_rt_call,@function
qfk_rt_call:
  { r6 = r0
    r7 = memw(r29+#0) }
  { r0 = r1
    r1 = r2 }
  { r2 = r3
    r3 = r4 }
  { r4 = r5
    r5 = r7 }
  { trap0(#1) }
  { jumpr r31 }
  .size qfk_rt_call,.-qfk_rt_call
