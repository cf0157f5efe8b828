/* SPDX-License-Identifier: MIT */
/*
 * library.c - see library.h.
 */
#include "library.h"

#include <dlfcn.h>
#include <string.h>

#if defined(__aarch64__)
static const char *const targets[] = {"aarch64-oe-linux-gcc11.2", "aarch64-ubuntu-gcc9.4",
                                      "aarch64-oe-linux-gcc9.3", "aarch64-android"};
#else
static const char *const targets[] = {"x86_64-linux-clang"};
#endif
static const char *const places[] = {"/usr/lib", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/vendor/lib64",
                                     "/opt/qcom/lib"};

#define NAME "libQnnHtp.so"

static char *existing(char *path, GString *looked)
{
  if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
    return path;
  if (looked)
    g_string_append_printf(looked, "%s%s", looked->len ? ", " : "", path);
  g_free(path);
  return NULL;
}

/* The file that the dynamic linker takes. */
static char *by_linker(GString *looked)
{
  void *handle = dlopen(NAME, RTLD_LAZY | RTLD_LOCAL),
       *symbol = handle ? dlsym(handle, "QnnInterface_getProviders") : NULL;
  Dl_info info;
  if (symbol && dladdr(symbol, &info))
    return g_strdup(info.dli_fname);
  if (looked)
    g_string_append_printf(looked, "%sthe dynamic linker's path", looked->len ? ", " : "");
  return NULL;
}

char *qf_qnn_library_find(GString *looked)
{
  const char *root = g_getenv("QNN_SDK_ROOT");
  char *found = NULL;
  for (gsize i = 0; root && !found && i < G_N_ELEMENTS(targets); i++)
    found = existing(g_build_filename(root, "lib", targets[i], NAME, NULL), looked);
  if (!found)
    found = by_linker(looked);
  for (gsize i = 0; !found && i < G_N_ELEMENTS(places); i++)
    found = existing(g_build_filename(places[i], NAME, NULL), looked);
  return found;
}

gboolean qf_qnn_library_has(const QfQnnLibrary *library, uint32_t slot)
{
  return library->interface->slots[slot] != NULL;
}

const char *qf_qnn_library_message(const QfQnnLibrary *library, QfQnnError code)
{
  const char *text = NULL;
  if (qf_qnn_library_has(library, QF_QNN_errorGetMessage))
    QF_QNN(library, errorGetMessage, QfQnnError, const char **)(code, &text);
  return text ? text : "no message";
}

/* The log speaks from threads of its own. The last messages before a failure say more than its number. */
#define NOTES 3
static struct {
  GMutex lock;
  char text[NOTES][160];
  guint count;
} notes;

void qf_qnn_library_note(const char *text)
{
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&notes.lock);
  if (!text)
    notes.count = 0;
  else
    g_strlcpy(notes.text[notes.count++ % NOTES], text, sizeof(notes.text[0]));
}

static char *take_notes(void)
{
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&notes.lock);
  GString *all = g_string_new(NULL);
  for (guint i = notes.count > NOTES ? notes.count - NOTES : 0; i < notes.count; i++)
    g_string_append_printf(all, "%s%s", all->len ? "; " : ". Its log: ", notes.text[i % NOTES]);
  notes.count = 0;
  return g_string_free(all, FALSE);
}

gboolean qf_qnn_library_fail(const QfQnnLibrary *library, GError **error, QfQnnError code, const char *what)
{
  g_autofree char *base = g_path_get_basename(library->path), *log = take_notes();
  g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "%s: %s: %s (error %u)%s", base, what,
              qf_qnn_library_message(library, code), (unsigned)(code & 0xFFFF), log);
  return FALSE;
}

/* What every run needs; a library without it is no backend (libQnnSystem.so) or too old. */
static const uint32_t needed[] = {QF_QNN_backendCreate, QF_QNN_backendFree,
                                  QF_QNN_contextCreate, QF_QNN_contextFree,
                                  QF_QNN_graphCreate,   QF_QNN_graphAddNode,
                                  QF_QNN_graphFinalize, QF_QNN_graphExecute,
                                  QF_QNN_graphRetrieve, QF_QNN_tensorCreateGraphTensor};

static const QfQnnInterface *choose_provider(void *handle, const char *path, GError **error)
{
  QfQnnError (*providers)(const QfQnnInterface ***, uint32_t *);
  *(void **)&providers = dlsym(handle, "QnnInterface_getProviders");
  const QfQnnInterface **list = NULL;
  uint32_t n = 0;
  if (!providers || providers(&list, &n) || !n) {
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                "%s: it is no QNN backend: it offers no interface; give libQnnHtp.so or another backend",
                path);
    return NULL;
  }
  for (uint32_t i = 0; i < n; i++) {
    gboolean whole = list[i]->core.major == 2;
    for (gsize k = 0; whole && k < G_N_ELEMENTS(needed); k++)
      whole = list[i]->slots[needed[k]] != NULL;
    if (whole)
      return list[i];
  }
  g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
              "%s: it offers version %u.%u of the QNN interface, 2.x is needed", path, list[0]->core.major,
              list[0]->core.minor);
  return NULL;
}

static QfQnnLibrary *load(const char *path, GError **error)
{
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE, "the QNN library cannot be loaded: %s", dlerror());
    return NULL;
  }
  const QfQnnInterface *interface = choose_provider(handle, path, error);
  if (!interface) {
    dlclose(handle);
    return NULL;
  }
  QfQnnLibrary *library = g_new0(QfQnnLibrary, 1);
  const char *build = NULL;
  library->path = g_strdup(path);
  library->interface = interface;
  if (qf_qnn_library_has(library, QF_QNN_backendGetBuildId))
    QF_QNN(library, backendGetBuildId, const char **)(&build);
  library->build = g_strdup(build ? build : "unknown");
  return library;
}

const QfQnnLibrary *qf_qnn_library_open(const char *path, GError **error)
{
  static GMutex lock;
  static GPtrArray *libraries; /* for the life of the process */
  g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&lock);
  g_autoptr(GString) looked = g_string_new(NULL);
  g_autofree char *found = path ? g_canonicalize_filename(path, NULL) : qf_qnn_library_find(looked);
  if (!found) {
    g_set_error(error, QF_ERROR, QF_ERROR_DEVICE,
                NAME " is not installed: not in %s; set backend-library to its path, or QNN_SDK_ROOT",
                looked->str);
    return NULL;
  }
  if (!libraries)
    libraries = g_ptr_array_new();
  for (guint i = 0; i < libraries->len; i++)
    if (!strcmp(((QfQnnLibrary *)libraries->pdata[i])->path, found))
      return libraries->pdata[i];
  QfQnnLibrary *library = load(found, error);
  if (library)
    g_ptr_array_add(libraries, library);
  return library;
}
