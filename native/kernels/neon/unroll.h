/* Loops whose bodies are instances of one pattern: bounds are constants after inlining, and arrays
 * of vectors that they index become registers. The compiler must unroll early for that. */
#ifndef ER_UNROLL_H
#define ER_UNROLL_H

/* Makes the compiler forget what it knows of a pointer, and so read through it again. */
#define ER_AGAIN(pointer) __asm__ volatile("" : "+r"(pointer))

#define ER_INLINE static inline __attribute__((always_inline))

#ifdef __clang__
/* Keeps a vector of equal parts whole: of a half, clang makes a vector of its own, and then takes
 * the other operand's half by EXT where SMULL2 and SMLAL2 would read it in place. */
#define ER_WHOLE(vector) __asm__("" : "+w"(vector))
#pragma clang diagnostic ignored \
    "-Wpass-failed" /* it refuses the largest loops: slower, not wrong */
#define ER_UNROLL _Pragma("unroll")
#else
#define ER_WHOLE(vector)
#define ER_UNROLL _Pragma("GCC unroll 32")
#endif

#endif
