/* SPDX-License-Identifier: MIT */
/*
 * clone.S - a thread under Linux on Hexagon: int32_t qf_rt_clone(uint32_t flags, void *stack_end, void (*fn)(void *), void *arg)
 *
 * The child has no frame of its own yet, so what it needs goes through saved registers.
 */
  .text
  .globl qf_rt_clone
  .type qf_rt_clone,@function
qf_rt_clone:
  { allocframe(#16) }
  { memd(r29+#0) = r17:16 }
  { r16 = r2
    r17 = r3 }
  { r2 = #0
    r3 = #0 }
  { r4 = #0
    r6 = #220 }
  { trap0(#1) }
  { p0 = cmp.eq(r0, #0) }
  { if (p0) jump .Lchild }
  { r17:16 = memd(r29+#0) }
  { dealloc_return }
.Lchild:
  { r0 = r17 }
  { callr r16 }
  { r0 = #0
    r6 = #93 }
  { trap0(#1) }
  .size qf_rt_clone,.-qf_rt_clone
