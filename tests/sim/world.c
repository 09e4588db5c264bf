/*
 * One simulation: a life of the server after another on the same memory store, until the clients
 * are done and every run has ended.
 *
 * A life begins with boot and ends with a crash: the store under it is cut off at once (faults.c),
 * so that whatever the old engine still wants to write never arrives; then it is taken down in
 * order, since its memory has to be freed. To the store the two look the same as kill -9.
 *
 * Every call into engine or matching stands between sim_enter and sim_leave, so that a crash can
 * wait for the calls under way to come back before it frees what they use.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include "wire/wire.h"

#define DOWN_WAIT_MS 600000
#define END_WAIT_MS 3600000
#define QUIET_END_WAIT_MS (48 * 3600000)
#define HEAL_MS 15000      /* after a fault or a jump of the clock: a scan, an attempt more */
#define PATIENCE_MS 120000 /* in the end, before stragglers (crons) are terminated */

struct sim_world *sim;

/* ---- randomness and messages ---- */

uint64_t sim_below(uint64_t n)
{
    return sk_random_below(sim->random, n);
}

bool sim_chance(int percent)
{
    return sim_below(100) < (uint64_t)percent;
}

int64_t sim_between(int64_t low, int64_t high)
{
    return low + (int64_t)sim_below((uint64_t)(high - low + 1));
}

int64_t sim_span(int64_t low, int64_t high)
{
    int64_t ms = sim_between(low, high);
    return sim->quiet && !sim->finishing && sim_chance(70) ? ms * sim_between(1, 400) : ms;
}

void sim_lull(void)
{
    sk_fiber_sleep(sim_chance(50) ? sim_between(10000, 200000) : sim_between(100000, 7200000));
}

bool sim_wild(void)
{
    return sim->faults && !sim->quiet;
}

char *sim_name(struct sk_arena *arena, const char *what)
{
    return sk_arena_printf(arena, "%s-%lld", what, (long long)++sim->names);
}

void *sim_receive(struct sk_arena *arena, const void *message)
{
    const ProtobufCMessage *m = message;
    struct sk_ctx ctx = {.arena = arena};
    ProtobufCMessage *copy;
    sk_err err = sk_wire_decode(&ctx, m->descriptor, sk_wire_pack(arena, m), &copy);
    SIM_CHECK(!err, "an answer does not parse: %s", ctx.err.message);
    return copy;
}

COMMON(Payloads) *sim_payloads(struct sk_arena *arena, const char *text)
{
    COMMON(Payloads) *payloads = COMMON_NEW(arena, Payloads, payloads);
    payloads->n_payloads = 1;
    payloads->payloads = SK_NEW_N(arena, COMMON(Payload) *, 1);
    payloads->payloads[0] = COMMON_NEW(arena, Payload, payload);
    payloads->payloads[0]->n_metadata = 1;
    payloads->payloads[0]->metadata = SK_NEW_N(arena, COMMON(Payload__MetadataEntry) *, 1);
    payloads->payloads[0]->metadata[0] =
        COMMON_NEW(arena, Payload__MetadataEntry, payload__metadata_entry);
    payloads->payloads[0]->metadata[0]->key = sk_arena_strdup(arena, "encoding");
    payloads->payloads[0]->metadata[0]->value = sk_bin(arena, "json/plain");
    payloads->payloads[0]->data = sk_bin(arena, text);
    return payloads;
}

const char *sim_text(struct sk_arena *arena, const COMMON(Payloads) *payloads)
{
    if (!payloads || !payloads->n_payloads)
        return "";
    const ProtobufCBinaryData *data = &payloads->payloads[0]->data;
    return sk_arena_strndup(arena, (const char *)data->data, data->len);
}

/* ---- a life ---- */

bool sim_enter(void)
{
    if (!sim->up)
        return false;
    sim->calls++;
    return true;
}

void sim_leave(void)
{
    SK_ASSERT(sim->calls > 0);
    sim->calls--;
}

static void make_namespace(struct sk_ctx *ctx)
{
    sim->ns = sk_namespaces_by_name(sim->namespaces, SIM_NAMESPACE);
    if (sim->ns)
        return;
    struct sk_namespace record = {
        .name = SIM_NAMESPACE,
        .state = SK_NS_REGISTERED,
        .description = "",
        .owner_email = "",
        .retention_ms = sim->quiet ? sim_between(1, 12) * 1800000 : INT64_C(30) * 86400000,
    };
    sk_err err = sk_namespaces_put(sim->namespaces, ctx, &record, &sim->ns);
    SIM_CHECK(!err, "the namespace: %s", ctx->err.message);
}

static void boot(void)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    bool faults = sim->faults;
    sim->faults = false; // a failing boot is main's affair
    sim->store = sim_store_new(sim->base);
    sk_err err = sk_namespaces_open(&ctx, sim->store, &sim->namespaces);
    SIM_CHECK(!err, "namespaces: %s", ctx.err.message);
    make_namespace(&ctx);
    sim->matching = sk_matching_new(&(struct sk_matching_options){
        .store = sim->store,
        .head_max = (size_t)sim_between(2, 20),
    });
    err = sk_matching_open(sim->matching, &ctx);
    SIM_CHECK(!err, "matching: %s", ctx.err.message);
    struct sk_engine_options options = {
        .store = sim->store,
        .matching = sim->matching,
        .namespaces = sim->namespaces,
        .limits = &sim->limits,
        .cache_bytes = (size_t)sim_between(1, 200) * 1024,
    };
    struct sk_engine *engine;
    err = sk_engine_open(&ctx, &options, &engine);
    SIM_CHECK(!err, "engine: %s", ctx.err.message);
    sim->engine = engine;
    sim->up = true;
    sim->lives++;
    sim->faults = faults;
    sim->calm_ms = sk_now_mono_ms();
    sk_arena_free(ctx.arena);
}

static void take_down(bool crash)
{
    struct sk_engine *engine = sim->engine;
    int64_t begin_ms = sk_now_mono_ms();
    sim_say("%s after %llu commits", crash ? "crash" : "stop", (unsigned long long)sim->commits);
    if (crash)
        sim_store_kill(sim->store);
    sim->up = false;
    sk_matching_drain(sim->matching);
    sk_engine_drain(engine);
    while (sim->calls) {
        SIM_CHECK(sk_now_mono_ms() - begin_ms < DOWN_WAIT_MS, "%d calls never come back",
                  sim->calls);
        sk_fiber_sleep(5);
    }
    sk_engine_close(engine);
    sim_say("engine closed");
    sk_matching_free(sim->matching);
    sk_namespaces_close(sim->namespaces);
    sim_store_free(sim->store);
    sim->matching = NULL;
    sim->engine = NULL;
}

static void crash_and_restart(void)
{
    take_down(sim_chance(80));
    if (sim->quiet && sim_chance(30))
        sim_lull();
    sk_fiber_sleep(sim_chance(50) ? 0 : sim_between(0, 20000));
    boot();
    sim_say("up again");
}

/* ---- the course of a simulation ---- */

struct start {
    void (*fn)(void *);
    void *arg;
};

static void on_spawn(void *arg)
{
    struct start start = *(struct start *)arg;
    sk_mem_free(arg);
    sk_fiber_spawn(start.fn, start.arg);
}

void sim_spawn(void (*fn)(void *), void *arg)
{
    struct start *start = sk_mem_alloc(sizeof *start);
    *start = (struct start){fn, arg};
    sim->fibers++;
    struct sk_rt *rt = sk_rt_current();
    sk_rt_post(rt, (int)sim_below((uint64_t)sk_rt_loop_count(rt)), on_spawn, start);
}

/* Commits and reads fail from now on, or no more. */
static void set_faults(bool faults)
{
    sim->faults = faults;
    sim->calm_ms = sk_now_mono_ms() + HEAL_MS;
    sim_say("%s", faults ? "the store begins to fail" : "the store fails no more");
}

static void jump_wall(int64_t low_ms, int64_t high_ms)
{
    int64_t ms = sim_between(low_ms, high_ms);
    sim_say("the wall clock is set by %lld ms", (long long)ms);
    sk_sim_jump_wall(sk_rt_current(), ms);
    sim->calm_ms = sk_now_mono_ms() + HEAL_MS;
}

static void disturb(void)
{
    if (sim_chance(25))
        crash_and_restart();
    else if (sim_chance(30))
        jump_wall(-5000, 20000);
}

/* Between long times without anything: a restart, a clock that is set, a store that fails. */
static void disturb_quiet(void)
{
    if (sim_chance(50))
        crash_and_restart();
    if (sim_chance(15))
        jump_wall(-60000, 3600000);
    if (sim_chance(25)) {
        set_faults(true);
        sk_fiber_sleep(sim_between(1000, 300000));
        set_faults(false);
    }
}

static void wait_for_the_end(void)
{
    int64_t begin_ms = sk_now_mono_ms();
    while (sim->clients || sim_open_runs()) {
        int64_t now_ms = sk_now_mono_ms();
        if (now_ms - begin_ms > (sim->quiet ? QUIET_END_WAIT_MS : END_WAIT_MS))
            return; // final.c names those that are left
        if (now_ms - begin_ms > PATIENCE_MS)
            for (struct sim_run *run = sim->first; run; run = run->next)
                if (sim_run_open(run) && run->cron)
                    sim_terminate(run->workflow_id, run->run_id);
        sk_fiber_sleep(1000);
    }
    sk_fiber_sleep(30000); // deliveries between workflow ids, after a pause of theirs
}

static void populate(void)
{
    int crowd = sim->width ? SIM_CROWD : 1;
    for (intptr_t i = 0; i < SIM_WORKFLOW_WORKERS; i++)
        sim_spawn(sim_workflow_worker, (void *)i);
    for (intptr_t i = 0; i < SIM_ACTIVITY_WORKERS * crowd; i++)
        sim_spawn(sim_activity_worker, (void *)i);
    sim->clients = SIM_CLIENTS * crowd;
    for (intptr_t i = 0; i < sim->clients; i++)
        sim_spawn(sim_client, (void *)i);
    for (intptr_t i = 0; i < SIM_WATCHERS; i++)
        sim_spawn(sim_watcher, (void *)i);
    sim_spawn(sim_due_look, NULL);
}

static void go_on(void)
{
    int64_t end_ms = sk_now_mono_ms() + sim_between(5000, 60000);
    while (sk_now_mono_ms() < end_ms) {
        sk_fiber_sleep((int64_t)sim_below(8000));
        if (sim->faults)
            disturb();
    }
}

/* Hours in which workers die and stall, and little else happens. */
static void go_on_quietly(void)
{
    int64_t end_ms = sk_now_mono_ms() + sim_between(600000, 6 * 3600000);
    while (sk_now_mono_ms() < end_ms) {
        sim_lull();
        disturb_quiet();
    }
}

static void course(void)
{
    sim->harshness = sim_chance(70) ? 10 : sim_below(100);
    sim->haste_ms = sim_chance(50) ? 500 : sim_between(1, 30);
    if (sim->seed % 10 == 3)
        sim->width = 100 + sim_below(200);
    if (sim->seed % 5 == 4) {
        sim->quiet = true;
        sim->faults = false; // but for minutes of it
        sim->harshness = 100;
    }
    boot();
    populate();
    if (sim->quiet)
        go_on_quietly();
    else
        go_on();
    set_faults(false);
    sim->finishing = true;
    if (sim_chance(40)) // else this life has to heal itself
        crash_and_restart();
    wait_for_the_end();
    sim->over = true;
    while (sim->fibers)
        sk_fiber_sleep(100);
    sim_check_end();
    take_down(false);
}

static void main_fiber(void *arg)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    (void)arg;
    sk_err err = sk_memory_store_open(&ctx, &sim->base);
    SIM_CHECK(!err, "the memory store: %s", ctx.err.message);
    course();
    sk_store_close(sim->base);
    sk_arena_free(ctx.arena);
    sk_rt_stop(sk_rt_current());
}

void sim_world_run(uint64_t seed)
{
    struct sim_world world = {
        .seed = seed,
        .random = sk_random_new_seeded(seed ^ UINT64_C(0x9e3779b97f4a7c15)),
        .faults = seed % 8 != 0, // one in eight is a fine day
        .runs = sk_map_new(),
        .deeds = sk_map_new(),
        .rows = sk_map_new(),
    };
    sim = &world;
    sk_limits_default(&world.limits);
    struct sk_rt *rt = sk_rt_new(&(struct sk_rt_options){
        .loop_count = 1 + (int)(seed % 3),
        .simulated = true,
        .seed = seed,
        .start_wall_ms = INT64_C(1700000000000),
    });
    sk_rt_run(rt, main_fiber, NULL);
    sk_rt_free(rt);
    sim_say("seed %llu: %llu commits, %llu refused, %llu unknown, %d lives, %llu requests, %llu "
            "acknowledged",
            (unsigned long long)seed, (unsigned long long)world.commits,
            (unsigned long long)world.refused, (unsigned long long)world.unknown, world.lives,
            (unsigned long long)world.requests, (unsigned long long)world.acknowledged);
    sim_check_free();
    sk_random_free(world.random);
    sim = NULL;
}
