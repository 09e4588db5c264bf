/*
 * Runs a fuzz target without libFuzzer: on each file of the folders given, on all its prefixes, and
 * with each of its bits flipped. Files over 4 KB are run as they are.
 */
#include <dirent.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/fuzz/fuzz.h"

#define SMALL 4096

static void run(const char *bytes, size_t n)
{
    char *exact = sk_mem_alloc(n ? n : 1); // a sanitizer sees a read past the end
    if (n > 0)
        memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput((const uint8_t *)exact, n);
    sk_mem_free(exact);
}

static void run_changed(char *bytes, size_t n)
{
    run(bytes, n);
    if (n > SMALL)
        return;
    for (size_t i = 0; i < n; i++)
        run(bytes, i);
    for (size_t bit = 0; bit < n * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        run(bytes, n);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
}

static int run_file(const char *folder, const char *name)
{
    struct sk_buf path = SK_BUF_INIT, content = SK_BUF_INIT;
    sk_buf_printf(&path, "%s/%s", folder, name);
    sk_buf_append(&path, "", 1);
    FILE *file = fopen(path.p, "rb");
    if (!file) {
        fprintf(stderr, "cannot read %s\n", path.p);
        return 1;
    }
    size_t n;
    do {
        n = fread(sk_buf_reserve(&content, 65536), 1, 65536, file);
        content.n += n;
    } while (n > 0);
    fclose(file);
    run_changed(content.p, content.n);
    sk_buf_fini(&content);
    sk_buf_fini(&path);
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            if (entry->d_name[0] == '.')
                continue;
            failed += run_file(argv[i], entry->d_name);
            files++;
        }
        if (folder)
            closedir(folder);
    }
    printf("%d files\n", files);
    return failed || files == 0;
}
