// What the handles of crocksdb.h stand for, shared by the files of this door.

#ifndef LODESTORE_CROCKSDB_HANDLES_H
#define LODESTORE_CROCKSDB_HANDLES_H

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include "crocksdb.h"

// Hears of background errors on RocksDB's threads and keeps the count and the latest text for whoever asks. Counts what
// begins a log or changes the manifest as well.
class BackgroundErrors : public rocksdb::EventListener {
public:
    void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status *status) override;
    uint64_t read(std::string &latest);

    void OnMemTableSealed(const rocksdb::MemTableInfo &info) override;
    void OnFlushCompleted(rocksdb::DB *db, const rocksdb::FlushJobInfo &info) override;
    void OnCompactionCompleted(rocksdb::DB *db, const rocksdb::CompactionJobInfo &info) override;
    void OnExternalFileIngested(rocksdb::DB *db, const rocksdb::ExternalFileIngestionInfo &info) override;
    std::atomic<uint64_t> changes{0};

private:
    std::mutex mutex_;
    uint64_t count_ = 0;
    std::string latest_;
};

struct crocks_db {
    std::unique_ptr<rocksdb::Env> env;
    std::shared_ptr<BackgroundErrors> errors;
    std::vector<rocksdb::ColumnFamilyHandle *> families;
    std::vector<rocksdb::ColumnFamilyOptions> familyOptions;
    rocksdb::DBOptions options;
    rocksdb::DB *db = nullptr;
};

struct crocks_value {
    rocksdb::PinnableSlice slice;
};

struct crocks_batch {
    rocksdb::WriteBatchWithIndex batch{rocksdb::BytewiseComparator(), 0, true};
};

struct crocks_cursor {
    std::string lower;
    std::string upper;
    rocksdb::Slice lowerSlice;
    rocksdb::Slice upperSlice;
    std::unique_ptr<rocksdb::Iterator> iterator;
};

struct crocks_table {
    std::unique_ptr<rocksdb::SstFileWriter> writer;
};

inline rocksdb::Slice slice(const void *data, size_t size) {
    return rocksdb::Slice(static_cast<const char *>(data), size);
}

crocks_status crocks_report(const rocksdb::Status &status);
// For crocks_free_text.
char *crocks_copied(const std::string &text);

// The environment of a database under test; its file system is the one of `faults`.
std::unique_ptr<rocksdb::Env> crocks_faults_env(crocks_faults *faults);

#endif
