/* Intrusive doubly linked list. A node is in one list at most; an unlinked one points at itself. */
#ifndef SK_BASE_LIST_H
#define SK_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct sk_list {
    struct sk_list *next, *prev;
};

#define SK_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define SK_LIST_EACH(it, head)                                                   \
    for (struct sk_list *it = (head)->next, *it##_next = it->next; it != (head); \
         it = it##_next, it##_next = it->next) /* the current node may be removed */

static inline void sk_list_init(struct sk_list *l)
{
    l->next = l->prev = l;
}
static inline bool sk_list_empty(const struct sk_list *l)
{
    return l->next == l;
}
static inline void sk_list_push_back(struct sk_list *head, struct sk_list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
static inline void sk_list_push_front(struct sk_list *head, struct sk_list *n)
{
    sk_list_push_back(head->next, n);
}
static inline void sk_list_remove(struct sk_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    sk_list_init(n);
}
static inline struct sk_list *sk_list_pop_front(struct sk_list *head)
{
    struct sk_list *n = head->next;
    if (n == head)
        return NULL;
    sk_list_remove(n);
    return n;
}

#endif
