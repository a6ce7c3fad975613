// This file lets the compiler accept ensureRBACPolicy, which has no body.
