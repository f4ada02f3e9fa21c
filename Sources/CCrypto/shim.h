// The part of libcrypto that the digest library stands on.
#ifndef LODESTORE_CCRYPTO_SHIM_H
#define LODESTORE_CCRYPTO_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>

#endif
