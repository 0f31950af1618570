/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stages of an analysis, in the order in which they run.  Each reads what the earlier ones have
 * filled in.  An error other than IQ_E_INTERRUPTED and IQ_E_NOMEM is what this stage could not do; the next one
 * runs all the same.
 */
#ifndef INQUEST_DIAGNOSE_STAGES_H
#define INQUEST_DIAGNOSE_STAGES_H

#include "case.h"

#endif
