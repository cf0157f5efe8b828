/* SPDX-License-Identifier: MIT */
/*
 * power.c - performance profiles: what the vendor's tools vote for under the same names. Numbers are voltage corners.
 */
#include "unit.h"

enum {
  OFF = 0x10,
  SVS2 = 0x30,
  SVS = 0x40,
  SVS_PLUS = 0x50,
  NOM = 0x60,
  NOM_PLUS = 0x70,
  TURBO = 0x80,
  MAXIMUM = 0xA0
};

const char *const qf_qnn_power_names[] = {"default",
                                          "burst",
                                          "sustained_high_performance",
                                          "high_performance",
                                          "balanced",
                                          "low_balanced",
                                          "high_power_saver",
                                          "power_saver",
                                          "low_power_saver",
                                          "extreme_power_saver",
                                          NULL};

/* In the order of the names, without the first. */
static const struct {
  uint32_t sleep_us, scaling, polling_us, corner;
} profiles[] = {{40, 0, 9999, MAXIMUM}, {100, 0, 9999, TURBO}, {100, 0, 9999, TURBO},
                {1000, 1, 0, NOM_PLUS}, {1000, 1, 0, NOM},     {1000, 1, 0, SVS_PLUS},
                {1000, 1, 0, SVS},      {1000, 1, 0, SVS2},    {1000, 1, 0, OFF}};

/* The device's functions for power, behind a word. */
typedef struct {
  uint32_t type, pad;
  QfQnnError (*create)(uint32_t device, uint32_t core, uint32_t *id);
  QfQnnError (*destroy)(uint32_t id);
  QfQnnError (*set)(uint32_t id, const void **configs);
} Infrastructure;

static const Infrastructure *infrastructure(const QfQnnUnit *unit)
{
  const Infrastructure *found = NULL;
  if (unit->library->interface->backend_id != QF_QNN_HTP ||
      !qf_qnn_library_has(unit->library, QF_QNN_deviceGetInfrastructure) ||
      QF_QNN(unit->library, deviceGetInfrastructure, const Infrastructure **)(&found))
    return NULL;
  return found;
}

void qf_qnn_power_vote(QfQnnUnit *unit)
{
  const Infrastructure *power = unit->settings.perf ? infrastructure(unit) : NULL;
  if (!power || power->create(0, 0, &unit->power))
    return;
  unit->voted = TRUE;
  const uint32_t corner = profiles[unit->settings.perf - 1].corner,
                 scaling = profiles[unit->settings.perf - 1].scaling;
  /* An option, then its words: clocks and voltage (3rd form), control latency, polling. */
  const struct {
    uint32_t option, words[16];
  } clocks = {1,
              {unit->power, 1, scaling, scaling ? 1 : 0x10, 1, profiles[unit->settings.perf - 1].sleep_us, 1,
               !scaling, 1, corner, corner, corner, 1, corner, corner, corner}},
    latency = {2, {(uint32_t)unit->settings.latency_us}},
    polling = {3, {profiles[unit->settings.perf - 1].polling_us}};
  const void *all[] = {&clocks, &latency, &polling, NULL};
  if (power->set(unit->power, all))
    g_info("%s: it does not take the performance profile %s", unit->library->path,
           qf_qnn_power_names[unit->settings.perf]);
}

void qf_qnn_power_drop(QfQnnUnit *unit)
{
  const Infrastructure *power = unit->voted ? infrastructure(unit) : NULL;
  if (power)
    power->destroy(unit->power);
  unit->voted = FALSE;
}
