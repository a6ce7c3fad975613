// This file lets the compiler accept setGCPercent, which has no body.
