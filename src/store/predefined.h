/* The search attributes that every namespace has from the start, with their fixed slots. */
#ifndef SK_STORE_PREDEFINED_H
#define SK_STORE_PREDEFINED_H

#include "store/namespaces.h"
#include <stddef.h>

#define SK_SA_SYSTEM_SLOTS_FEW 2 /* kept for predefined ones in types that need few */

const struct sk_search_attribute *sk_predefined_attributes(size_t *ret_count);
const char *sk_predefined_type_name(enum sk_sa_type type); /* "Keyword" */

#endif
