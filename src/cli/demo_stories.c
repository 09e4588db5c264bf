/* The stories that orders of the demo live through. Data only. */
#include "cli/demo_internal.h"

#define DO(name)                            \
    {                                       \
        SK_DEMO_ACTIVITY, name, 0, false, 0 \
    }
#define DO_AFTER(name, failures)                   \
    {                                              \
        SK_DEMO_ACTIVITY, name, failures, false, 0 \
    }
#define REFUSED(name)                      \
    {                                      \
        SK_DEMO_ACTIVITY, name, 0, true, 0 \
    }
#define WAIT(name, ms)                    \
    {                                     \
        SK_DEMO_TIMER, name, 0, false, ms \
    }
#define SIGNALLED(name)                   \
    {                                     \
        SK_DEMO_SIGNAL, name, 0, false, 0 \
    }
#define CHILD(story)                          \
    {                                         \
        SK_DEMO_CHILD_RUN, story, 0, false, 0 \
    }
#define END                          \
    {                                \
        SK_DEMO_END, "", 0, false, 0 \
    }
#define DAY_MS (24 * 3600 * (int64_t)1000)

const struct sk_demo_story sk_demo_stories[] = {
    {"shipped",
     "stock, payment, shipping: all went well",
     {DO("ReserveStock"), DO("ChargeCard"), DO("ShipOrder"), END},
     SK_DEMO_COMPLETED,
     false,
     false},
    {"bank-busy",
     "the bank answered at the third try",
     {DO("ReserveStock"), DO_AFTER("ChargeCard", 2), DO("ShipOrder"), END},
     SK_DEMO_COMPLETED,
     false,
     false},
    {"card-declined",
     "the card was declined, the stock put back",
     {DO("ReserveStock"), REFUSED("ChargeCard"), END},
     SK_DEMO_FAILED,
     false,
     false},
    {"carrier-down",
     "the carrier does not answer; shipping is tried again and again",
     {DO("ReserveStock"), DO("ChargeCard"), DO_AFTER("ShipOrder", SK_DEMO_ALWAYS), END},
     SK_DEMO_RETRYING,
     false,
     false},
    {"second-thoughts",
     "two seconds to think it over, then shipped",
     {WAIT("second-thoughts", 2000), DO("ChargeCard"), DO("ShipOrder"), END},
     SK_DEMO_COMPLETED,
     false,
     false},
    {"pre-order",
     "a timer runs until the book is printed",
     {DO("ChargeCard"), WAIT("printed", 30 * DAY_MS), DO("ShipOrder"), END},
     SK_DEMO_WAITING,
     false,
     false},
    {"gift",
     "a child workflow wraps it",
     {DO("ReserveStock"), CHILD("gift-wrap"), DO("ShipOrder"), END},
     SK_DEMO_COMPLETED,
     false,
     false},
    {"approval",
     "a large order: shipped after somebody approved it by a signal",
     {SIGNALLED("approve"), DO("ChargeCard"), DO("ShipOrder"), END},
     SK_DEMO_COMPLETED,
     true,
     false},
    {"pick-up",
     "waits for the signal that it was fetched",
     {DO("ReserveStock"), SIGNALLED("fetched"), END},
     SK_DEMO_WAITING,
     false,
     false},
    {"changed-mind",
     "cancelled by the customer",
     {DO("ReserveStock"), WAIT("delivery", DAY_MS), END},
     SK_DEMO_CANCELED,
     false,
     true},
    // children
    {"gift-wrap", "wraps a gift", {DO("WrapGift"), END}, SK_DEMO_COMPLETED, false, false},
    {NULL, NULL, {END}, SK_DEMO_COMPLETED, false, false},
};

const struct sk_demo_story *sk_demo_story_find(struct sk_str key)
{
    for (const struct sk_demo_story *s = sk_demo_stories; s->key; s++)
        if (sk_str_eq(sk_str_of(s->key), key))
            return s;
    return NULL;
}
