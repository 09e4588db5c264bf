/*
 * The web UI's files, as packed into the binary by tools/ui_assets.py: sorted by path, gzip each.
 * index.html holds placeholders, see docs/architecture.md.
 */
#ifndef SK_WEB_ASSETS_H
#define SK_WEB_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct sk_web_asset {
    const char *path; /* below the base path, no leading slash */
    const char *content_type;
    const unsigned char *gzip;
    size_t gzip_size;
    size_t plain_size;
    const char *etag; /* quoted, of the plain bytes */
    bool immutable;   /* the name holds a hash of the content */
};

extern const struct sk_web_asset sk_web_assets[];
extern const size_t sk_web_asset_count;
extern const char sk_web_assets_absent[]; /* why there are none, as HTML; else empty */
extern const char sk_web_ui_version[];    /* a digest of the UI's sources */

#endif
