/*
 * Stacks and the switch between them.
 *
 * A switch saves what the calling convention lets the caller keep (callee-saved registers, the
 * stack pointer) on the old stack and loads the same from the new one: a dozen instructions and no
 * system call, where swapcontext makes one to save the signal mask. Floating-point control words
 * are not switched: nothing here changes them. Other machines fall back to ucontext.
 *
 * A new stack is laid out as if it had been switched away from at the top of sk_context_start,
 * which calls entry(arg). The frame above it is zero, where unwinders and debuggers stop.
 *
 * Stacks are mapped, lowest page unmapped-on-access (the guard): an overflow is a fault and not
 * somebody else's memory. Pages are backed when first touched.
 */
#include "rt/fiber.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define CONTEXT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONTEXT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CONTEXT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONTEXT_TSAN 1
#endif
#endif

#ifdef CONTEXT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CONTEXT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(CONTEXT_ASAN) || defined(CONTEXT_TSAN)
enum { STACK_SIZE = 256 * 1024 };
#else
enum { STACK_SIZE = 64 * 1024 };
#endif
enum { GUARD_SIZE = 4096 * 4 }; // one page of the largest common size (16 KB on some aarch64)

/* ---- the switch ---- */

#if defined(__x86_64__)

void sk_context_swap(void **save_sp, void *load_sp);
void sk_context_start(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl sk_context_swap\n"
        ".hidden sk_context_swap\n"
        ".type sk_context_swap, @function\n"
        "sk_context_swap:\n"
        "    endbr64\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size sk_context_swap, . - sk_context_swap\n"
        ".p2align 4\n"
        ".globl sk_context_start\n"
        ".hidden sk_context_start\n"
        ".type sk_context_start, @function\n"
        "sk_context_start:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    endbr64\n"
        "    movq %r12, %rdi\n"
        "    call *%r13\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size sk_context_start, . - sk_context_start\n");

/* In the order of the pops above. */
struct frame {
    void *r15, *r14;
    void (*entry)(void *); // r13
    void *arg;             // r12
    void *rbx, *rbp;
    void (*start)(void); // where ret goes
    void *end;           // a return address of zero
};

static void *make_frame(char *top, void (*entry)(void *), void *arg)
{
    // start's own call wants a stack aligned to 16 once `start` is popped.
    struct frame *frame = (struct frame *)(void *)(top - 16 - offsetof(struct frame, end));
    *frame = (struct frame){.entry = entry, .arg = arg, .start = sk_context_start};
    return frame;
}

#elif defined(__aarch64__)

void sk_context_swap(void **save_sp, void *load_sp);
void sk_context_start(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".globl sk_context_swap\n"
        ".hidden sk_context_swap\n"
        ".type sk_context_swap, %function\n"
        "sk_context_swap:\n"
        "    hint #34\n" // bti c
        "    stp d8, d9, [sp, #-160]!\n"
        "    stp d10, d11, [sp, #16]\n"
        "    stp d12, d13, [sp, #32]\n"
        "    stp d14, d15, [sp, #48]\n"
        "    stp x19, x20, [sp, #64]\n"
        "    stp x21, x22, [sp, #80]\n"
        "    stp x23, x24, [sp, #96]\n"
        "    stp x25, x26, [sp, #112]\n"
        "    stp x27, x28, [sp, #128]\n"
        "    stp x29, x30, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x29, x30, [sp, #144]\n"
        "    ldp x27, x28, [sp, #128]\n"
        "    ldp x25, x26, [sp, #112]\n"
        "    ldp x23, x24, [sp, #96]\n"
        "    ldp x21, x22, [sp, #80]\n"
        "    ldp x19, x20, [sp, #64]\n"
        "    ldp d14, d15, [sp, #48]\n"
        "    ldp d12, d13, [sp, #32]\n"
        "    ldp d10, d11, [sp, #16]\n"
        "    ldp d8, d9, [sp], #160\n"
        "    ret\n"
        ".size sk_context_swap, . - sk_context_swap\n"
        ".p2align 4\n"
        ".globl sk_context_start\n"
        ".hidden sk_context_start\n"
        ".type sk_context_start, %function\n"
        "sk_context_start:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined x30\n"
        "    hint #36\n" // bti j
        "    mov x0, x19\n"
        "    blr x20\n"
        "    brk #1\n"
        "    .cfi_endproc\n"
        ".size sk_context_start, . - sk_context_start\n");

/* In the order of the loads above. */
struct frame {
    double d[8];
    void *arg;             // x19
    void (*entry)(void *); // x20
    void *x21_x29[9];
    void (*start)(void); // x30, where ret goes
};

static void *make_frame(char *top, void (*entry)(void *), void *arg)
{
    struct frame *frame = (struct frame *)(void *)(top - sizeof(struct frame));
    *frame = (struct frame){.entry = entry, .arg = arg, .start = sk_context_start};
    return frame;
}

#else

#include <ucontext.h>

/* The saved stack pointer is here the address of a ucontext, kept on the stack that it saves or,
 * for a new stack, at its top. */
struct frame {
    ucontext_t ucontext;
    void (*entry)(void *);
    void *arg;
};

static void sk_context_swap(void **save_sp, void *load_sp)
{
    struct frame here;

    *save_sp = &here;
    SK_ASSERT(swapcontext(&here.ucontext, &((struct frame *)load_sp)->ucontext) == 0);
}

static void start(unsigned high, unsigned low) // makecontext passes ints only
{
    struct frame *frame = (struct frame *)((uintptr_t)high << 16 << 16 | low);
    frame->entry(frame->arg);
}

static void *make_frame(char *top, void (*entry)(void *), void *arg)
{
    struct frame *frame =
        (struct frame *)(void *)((uintptr_t)(top - sizeof(*frame)) & ~(uintptr_t)63);
    uintptr_t address = (uintptr_t)frame;

    *frame = (struct frame){.entry = entry, .arg = arg};
    SK_ASSERT(getcontext(&frame->ucontext) == 0);
    frame->ucontext.uc_stack.ss_sp = top - STACK_SIZE;
    frame->ucontext.uc_stack.ss_size = (size_t)((char *)frame - (top - STACK_SIZE));
    makecontext(&frame->ucontext, (void (*)(void))start, 2, (unsigned)(address >> 16 >> 16),
                (unsigned)address);
    return frame;
}

#endif

/* ---- contexts ---- */

void sk_context_init_thread(struct sk_context *context)
{
    memset(context, 0, sizeof(*context));
#ifdef CONTEXT_ASAN
    pthread_attr_t attr;
    void *stack;
    SK_ASSERT(pthread_getattr_np(pthread_self(), &attr) == 0);
    SK_ASSERT(pthread_attr_getstack(&attr, &stack, &context->stack_size) == 0);
    pthread_attr_destroy(&attr);
    context->stack = stack;
#endif
#ifdef CONTEXT_TSAN
    context->tsan_fiber = __tsan_get_current_fiber();
#endif
}

/* The first thing on a new stack. */
static void enter(void *arg)
{
    struct sk_context *context = arg;
#ifdef CONTEXT_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
    context->entry(context->arg);
    SK_PANIC("the entry of a context returned");
}

void sk_context_init(struct sk_context *context, void (*entry)(void *), void *arg)
{
    char *map = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED || mprotect(map, GUARD_SIZE, PROT_NONE) != 0)
        SK_PANIC("no memory for a fiber's stack: %s", strerror(errno));
    memset(context, 0, sizeof(*context));
    context->stack = map + GUARD_SIZE;
    context->stack_size = STACK_SIZE;
    context->entry = entry;
    context->arg = arg;
    context->sp = make_frame(context->stack + STACK_SIZE, enter, context);
#ifdef CONTEXT_TSAN
    context->tsan_fiber = __tsan_create_fiber(0);
#endif
}

void sk_context_fini(struct sk_context *context)
{
    if (!context->stack)
        return;
#ifdef CONTEXT_TSAN
    __tsan_destroy_fiber(context->tsan_fiber);
#endif
#ifdef CONTEXT_ASAN
    // Frames that were never left have left their red zones behind.
    __asan_unpoison_memory_region(context->stack, context->stack_size);
#endif
    SK_ASSERT(munmap(context->stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE) == 0);
    memset(context, 0, sizeof(*context));
}

void sk_context_switch(struct sk_context *from, struct sk_context *to)
{
#ifdef CONTEXT_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_size);
#endif
#ifdef CONTEXT_TSAN
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
    sk_context_swap(&from->sp, to->sp);
#ifdef CONTEXT_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}
