import JSONReader

/// Depth and numbers as requests in JSON need them. Clients write NaN where JSON has no word for it, and Python the infinities,
/// which are refused by their place.
let requestRules = JSONRules(maxDepth: 16, allowsNonFinite: true)
