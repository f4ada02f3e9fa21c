// A file system that fails when a test says so and remembers what was synced.

#include "Handles.h"

#include <algorithm>
#include <atomic>
#include <map>

#include <unistd.h>

#include <rocksdb/file_system.h>

using namespace rocksdb;

struct crocks_faults {
    std::atomic<uint64_t> operations{0};
    std::mutex mutex;
    // Of the changes of one of these kinds, those in [from, end) fail, counted from one since it was armed.
    uint32_t kinds = 0;
    uint64_t from = UINT64_MAX;
    uint64_t end = UINT64_MAX;
    uint64_t seen = 0;
    bool noSpace = false;
    // Bytes known to be on the disk, by path, of each file opened for writing.
    std::map<std::string, uint64_t> synced;

    // Counts one change of the disk; a failure when it is one of the chosen.
    IOStatus step(uint32_t kind) {
        std::lock_guard<std::mutex> guard(mutex);
        operations += 1;
        if ((kinds & kind) == 0) {
            return IOStatus::OK();
        }
        seen += 1;
        if (seen < from || seen >= end) {
            return IOStatus::OK();
        }
        return noSpace ? IOStatus::NoSpace("injected") : IOStatus::IOError("injected");
    }

    void record(const std::string &path, uint64_t bytes) {
        std::lock_guard<std::mutex> guard(mutex);
        synced[path] = bytes;
    }
};

namespace {

class WritableFile : public FSWritableFileOwnerWrapper {
public:
    WritableFile(std::unique_ptr<FSWritableFile> &&file, std::string path, uint64_t size, crocks_faults *faults)
        : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), size_(size), faults_(faults) {}

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        IOStatus status = faults_->step(crocks_faults_write);
        if (!status.ok()) {
            // A torn write: half of it reaches the file.
            if (!use_direct_io()) {
                target()->Append(Slice(data.data(), data.size() / 2), options, debug).PermitUncheckedError();
            }
            return status;
        }
        status = target()->Append(data, options, debug);
        size_ += status.ok() ? data.size() : 0;
        return status;
    }

    IOStatus Append(const Slice &data, const IOOptions &options, const DataVerificationInfo &,
                    IODebugContext *debug) override {
        return Append(data, options, debug);
    }

    IOStatus PositionedAppend(const Slice &data, uint64_t offset, const IOOptions &options,
                              IODebugContext *debug) override {
        IOStatus status = faults_->step(crocks_faults_write);
        if (!status.ok()) {
            return status;
        }
        status = target()->PositionedAppend(data, offset, options, debug);
        size_ = status.ok() ? std::max<uint64_t>(size_, offset + data.size()) : size_;
        return status;
    }

    IOStatus PositionedAppend(const Slice &data, uint64_t offset, const IOOptions &options,
                              const DataVerificationInfo &, IODebugContext *debug) override {
        return PositionedAppend(data, offset, options, debug);
    }

    IOStatus Truncate(uint64_t size, const IOOptions &options, IODebugContext *debug) override {
        size_ = size;
        return target()->Truncate(size, options, debug);
    }

    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        return synced(target()->Sync(options, debug));
    }

    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return synced(target()->Fsync(options, debug));
    }

private:
    IOStatus synced(IOStatus status) {
        IOStatus injected = faults_->step(crocks_faults_sync);
        if (!injected.ok()) {
            return injected;
        }
        if (status.ok()) {
            faults_->record(path_, size_);
        }
        return status;
    }

    std::string path_;
    uint64_t size_;
    crocks_faults *faults_;
};

class FileSystemWithFaults : public FileSystemWrapper {
public:
    explicit FileSystemWithFaults(crocks_faults *faults) : FileSystemWrapper(FileSystem::Default()), faults_(faults) {}

    const char *Name() const override { return "FileSystemWithFaults"; }

    IOStatus NewWritableFile(const std::string &path, const FileOptions &options,
                             std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) override {
        IOStatus status = faults_->step(crocks_faults_open);
        if (!status.ok()) {
            return status;
        }
        std::unique_ptr<FSWritableFile> file;
        status = target()->NewWritableFile(path, options, &file, debug);
        return wrapped(status, std::move(file), path, 0, result);
    }

    IOStatus ReopenWritableFile(const std::string &path, const FileOptions &options,
                                std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) override {
        IOStatus injected = faults_->step(crocks_faults_open);
        if (!injected.ok()) {
            return injected;
        }
        uint64_t size = 0;
        target()->GetFileSize(path, options.io_options, &size, debug).PermitUncheckedError();
        std::unique_ptr<FSWritableFile> file;
        IOStatus status = target()->ReopenWritableFile(path, options, &file, debug);
        return wrapped(status, std::move(file), path, size, result);
    }

    IOStatus RenameFile(const std::string &from, const std::string &to, const IOOptions &options,
                        IODebugContext *debug) override {
        IOStatus status = faults_->step(crocks_faults_rename);
        if (!status.ok()) {
            return status;
        }
        status = target()->RenameFile(from, to, options, debug);
        if (status.ok()) {
            follow(from, to);
        }
        return status;
    }

    IOStatus LinkFile(const std::string &from, const std::string &to, const IOOptions &options,
                      IODebugContext *debug) override {
        IOStatus status = faults_->step(crocks_faults_rename);
        if (!status.ok()) {
            return status;
        }
        status = target()->LinkFile(from, to, options, debug);
        if (status.ok()) {
            follow(from, to);
        }
        return status;
    }

private:
    IOStatus wrapped(IOStatus status, std::unique_ptr<FSWritableFile> &&file, const std::string &path, uint64_t size,
                     std::unique_ptr<FSWritableFile> *result) {
        if (status.ok()) {
            faults_->record(path, size);
            result->reset(new WritableFile(std::move(file), path, size, faults_));
        }
        return status;
    }

    void follow(const std::string &from, const std::string &to) {
        std::lock_guard<std::mutex> guard(faults_->mutex);
        auto known = faults_->synced.find(from);
        if (known != faults_->synced.end()) {
            faults_->synced[to] = known->second;
        }
    }

    crocks_faults *faults_;
};

}  // namespace

std::unique_ptr<Env> crocks_faults_env(crocks_faults *faults) {
    return NewCompositeEnv(std::make_shared<FileSystemWithFaults>(faults));
}

crocks_faults *crocks_faults_new(void) { return new crocks_faults(); }
void crocks_faults_free(crocks_faults *faults) { delete faults; }

void crocks_faults_arm(crocks_faults *faults, uint64_t countdown, uint64_t count, uint32_t kinds, bool no_space) {
    std::lock_guard<std::mutex> guard(faults->mutex);
    faults->noSpace = no_space;
    faults->kinds = kinds;
    faults->seen = 0;
    faults->from = countdown == 0 ? UINT64_MAX : countdown;
    faults->end = countdown == 0 || count == 0 ? UINT64_MAX : countdown + count;
}

uint64_t crocks_faults_operations(const crocks_faults *faults) { return faults->operations.load(); }

crocks_status crocks_faults_lose_unsynced(crocks_faults *faults) {
    std::lock_guard<std::mutex> guard(faults->mutex);
    for (const auto &[path, bytes] : faults->synced) {
        uint64_t size = 0;
        Status status = Env::Default()->GetFileSize(path, &size);
        if (!status.ok() || size <= bytes) {
            continue;  // gone since, or whole
        }
        if (truncate(path.c_str(), static_cast<off_t>(bytes)) != 0) {
            return crocks_report(Status::IOError("truncate", path));
        }
    }
    faults->synced.clear();
    return crocks_report(Status::OK());
}
