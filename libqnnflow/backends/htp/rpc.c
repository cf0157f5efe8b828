/* SPDX-License-Identifier: MIT */
/*
 * rpc.c - the table of libcdsprpc's functions, by dlopen(). Nothing here knows what they are called for.
 */
#include "rpc.h"

#include <dlfcn.h>
#include <string.h>

#define SIMULATOR "libqnnflow-htpsim.so"

typedef struct {
  const char *name;
  gboolean needed;
  size_t offset;
} Function;

#define ROW(needed, result, name, parameters) {#name, needed, offsetof(QfRpc, name)},
static const Function functions[] = {QF_RPC_FUNCTIONS(ROW)};
#undef ROW

typedef struct {
  int code;
  const char *name, *text;
} Meaning;

#define ROW(code, name, text) {code, "AEE_" #name, text},
static const Meaning meanings[] = {QF_RPC_ERRORS(ROW)};
#undef ROW

static GMutex lock;
static GHashTable *libraries; /* by path */

static QfRpc *load(const char *path, GError **error)
{
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    g_autofree char *simulator = qf_rpc_simulator();
    if (!strcmp(path, simulator))
      g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                  "the simulator of a DSP cannot be loaded: %s; install " SIMULATOR
                  " beside the library, or name it in QNNFLOW_HTPSIM",
                  why);
    else
      g_set_error(
          error, QF_ERROR, QF_ERROR_DEVICE,
          "the library that takes calls to the DSP cannot be loaded: %s; install the vendor's or the open "
          "fastrpc library, name it in QNNFLOW_CDSPRPC, or use the simulator (backend htp-sim)",
          why);
    return NULL;
  }
  QfRpc *rpc = g_new0(QfRpc, 1);
  g_autoptr(GString) missing = g_string_new(NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) {
    void *symbol = dlsym(handle, functions[i].name);
    if (!symbol && functions[i].needed)
      g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", functions[i].name);
    *(void **)((char *)rpc + functions[i].offset) = symbol;
  }
  if (missing->len) {
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                "%s lacks %s: it is too old (queues came with the DSPs of 2021) or not a FastRPC library",
                path, missing->str);
    g_free(rpc);
    dlclose(handle);
    return NULL;
  }
  Dl_info where;
  rpc->path =
      g_strdup(dladdr(*(void **)&rpc->dspqueue_create, &where) && where.dli_fname ? where.dli_fname : path);
  rpc->simulated = rpc->qnnflow_htpsim_error != NULL;
  if (rpc->rpcmem_init)
    rpc->rpcmem_init();
  return rpc;
}

const QfRpc *qf_rpc_open(const char *library, GError **error)
{
  const char *named = g_getenv("QNNFLOW_CDSPRPC");
  const char *path = library ? library : named && *named ? named : "libcdsprpc.so";
  g_mutex_lock(&lock);
  if (!libraries)
    libraries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  QfRpc *rpc = g_hash_table_lookup(libraries, path);
  if (!rpc && (rpc = load(path, error)))
    g_hash_table_insert(libraries, g_strdup(path), rpc);
  g_mutex_unlock(&lock);
  return rpc;
}

char *qf_rpc_describe(const QfRpc *rpc, int code)
{
  const int bare = code & 0x7fffffff,
            own = bare > 0x400 ? bare - 0x400 : bare; /* the DSP's own begin at 0x80000400 */
  const char *why = rpc->simulated ? rpc->qnnflow_htpsim_error() : NULL;
  for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++)
    if (meanings[i].code == code || meanings[i].code == own)
      return why && *why ? g_strdup_printf("%s (%s)", why, meanings[i].name)
                         : g_strdup_printf("%s (%s)", meanings[i].text, meanings[i].name);
  return g_strdup_printf("error 0x%x", (guint)code);
}

char *qf_rpc_simulator(void)
{
  const char *named = g_getenv("QNNFLOW_HTPSIM");
  if (named && *named)
    return g_strdup(named);
  Dl_info self;
  if (!dladdr((const void *)qf_rpc_simulator, &self) || !self.dli_fname)
    return g_strdup(SIMULATOR);
  g_autofree char *folder = g_path_get_dirname(self.dli_fname);
  char *beside = g_build_filename(folder, SIMULATOR, NULL);
  if (g_file_test(beside, G_FILE_TEST_EXISTS))
    return beside;
  g_free(beside);
  return g_strdup(SIMULATOR); /* as the dynamic linker finds it */
}
