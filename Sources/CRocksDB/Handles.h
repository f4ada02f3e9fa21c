// What the handles of crocksdb.h stand for, shared by the files of this door.

#ifndef LODESTORE_CROCKSDB_HANDLES_H
#define LODESTORE_CROCKSDB_HANDLES_H

#include <atomic>
#include <condition_variable>
#include <deque>
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
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status status, bool *recovers) override;
    uint64_t read(std::string &latest);
    bool stands() const { return stands_.load(); }
    void forget() { stands_ = false; }

    void OnMemTableSealed(const rocksdb::MemTableInfo &info) override;
    void OnFlushCompleted(rocksdb::DB *db, const rocksdb::FlushJobInfo &info) override;
    void OnCompactionCompleted(rocksdb::DB *db, const rocksdb::CompactionJobInfo &info) override;
    void OnExternalFileIngested(rocksdb::DB *db, const rocksdb::ExternalFileIngestionInfo &info) override;
    std::atomic<uint64_t> changes{0};

private:
    std::mutex mutex_;
    uint64_t count_ = 0;
    std::string latest_;
    std::atomic<bool> stands_{false};
};

// Takes RocksDB's log in the place of its LOG file, whose failing write ends the process while a full disk is reported.
// Keeps the last warnings and errors in memory.
class Messages : public rocksdb::Logger {
public:
    Messages() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

    using rocksdb::Logger::Logv;
    void Logv(const char *format, va_list arguments) override;
    void Logv(const rocksdb::InfoLogLevel level, const char *format, va_list arguments) override;
    bool take(std::string &text, int32_t &level, uint64_t &dropped);

private:
    static constexpr size_t limit_ = 256;
    std::mutex mutex_;
    std::deque<std::pair<int32_t, std::string>> waiting_;
    uint64_t dropped_ = 0;
};

// Lets calls in while a database is open, and keeps them waiting while it is closed and opened anew.
class Gate {
public:
    // Waits while the gate is shut, unless a cursor of this thread keeps it from being shut.
    void enter();
    void leave();
    // As enter and leave, for the life of a cursor.
    void enterForCursor();
    void leaveForCursor();
    // Returns once nobody is inside. Not from within.
    void shut();
    void open();

private:
    std::atomic<int64_t> inside_{0};
    std::atomic<bool> isShut_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
};

struct crocks_db {
    std::string path;
    std::unique_ptr<rocksdb::Env> env;
    std::shared_ptr<BackgroundErrors> errors;
    std::shared_ptr<Messages> messages;
    std::vector<rocksdb::ColumnFamilyHandle *> families;
    // The name that each family has on the disk; RocksDB's own is the last.
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    std::vector<rocksdb::ColumnFamilyOptions> familyOptions;
    rocksdb::DBOptions options;
    // Null only when it could not be opened anew. Changed with the gate shut.
    rocksdb::DB *db = nullptr;
    Gate gate;
    std::atomic<uint64_t> generation{0};
    // Why it is not open for writing, after it could not be opened anew.
    rocksdb::Status refusal;
};

// One call inside a database.
class Use {
public:
    explicit Use(crocks_db *db) : db_(db) { db_->gate.enter(); }
    ~Use() { db_->gate.leave(); }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;
    bool isOpen() const { return db_->db != nullptr; }
    rocksdb::Status refusal() const { return db_->refusal; }

private:
    crocks_db *db_;
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
    crocks_db *db = nullptr;
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
