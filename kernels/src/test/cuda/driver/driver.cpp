// TEST ONLY. The functions of libcuda.so.1 that the cuda back end calls, on the host: "device memory" is host memory, a launch runs
// the g++-built kernel before it returns, a stream being captured records instead. It calls itself an emulator by its device's name.
#include "../shim/fibers.h"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

using millrace::emulator::Index;
typedef int Result;
typedef unsigned long long DevicePointer;

namespace {

constexpr Result kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kInvalidDevice = 101, kNoBinaryForGpu = 209, kPeerAlreadyEnabled = 704, kNotFound = 500,
                 kIllegalAddress = 700, kLaunchFailed = 719;
constexpr int kDevices = 8;
constexpr size_t kTotalBytes = 4ull << 30; // of each device
constexpr size_t kParamBytes = 512; // a LaunchBlock's buffer always has that many
constexpr int kSms = 3;             // few, so that blocks walk several items, and some of them none
constexpr int kOldDevice = 99;      // not counted; what a device before Hopper says
constexpr unsigned kSharedWithoutAsking = 48 << 10;
constexpr DevicePointer kIllegal = 0xbad0ull << 48; // a parameter in this range is an address that no kernel may touch

struct Graph { std::vector<std::function<Result()>> nodes; };
struct Stream {
    Graph* capture = nullptr;
    Result failed = kSuccess;
};
struct Function {
    std::string name;
    void* entry;
    unsigned shared = kSharedWithoutAsking;
};
struct Module { std::map<std::string, Function> functions; };

struct Context {
    size_t allocated_bytes = 0;
    bool peers[kDevices] = {}; // whose memory this one's kernels may touch
};
struct Allocation {
    size_t bytes;
    Context* context;
};

std::mutex lock;
std::map<DevicePointer, Allocation> allocations;
Context contexts[kDevices], the_old_context;
thread_local Context* current_context = nullptr;

/** Runs the work now, or keeps it if the stream is being captured. A failed launch breaks the stream, as on a device. */
Result submit(Stream* stream, std::function<Result()> work) {
    if (stream->capture != nullptr) {
        stream->capture->nodes.push_back(std::move(work));
        return kSuccess;
    }
    if (stream->failed != kSuccess) return stream->failed;
    Result result = work();
    if (result == kLaunchFailed || result == kIllegalAddress) stream->failed = result;
    return result;
}

bool is_allocated(DevicePointer at, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    auto next = allocations.upper_bound(at);
    if (next == allocations.begin()) return false;
    --next;
    return at + bytes <= next->first + next->second.bytes;
}

/** Whether the address is in the memory of a device to which the context has no access. */
bool is_forbidden(Context* context, DevicePointer at) {
    std::lock_guard<std::mutex> guard(lock);
    auto next = allocations.upper_bound(at);
    if (next == allocations.begin()) return false;
    --next;
    Context* owner = next->second.context;
    return at < next->first + next->second.bytes && owner != context && !context->peers[owner - contexts];
}

bool has_illegal_address(Context* context, const std::vector<unsigned char>& params) {
    for (size_t at = 0; at + 8 <= params.size(); at += 8) {
        DevicePointer value;
        memcpy(&value, params.data() + at, 8);
        if (value >> 48 == kIllegal >> 48 || is_forbidden(context, value)) return true;
    }
    return false;
}

} // namespace

extern "C" {

Result cuInit(unsigned) { return kSuccess; }
Result cuDriverGetVersion(int* version) { *version = 13000; return kSuccess; }
Result cuDeviceGetCount(int* count) { *count = kDevices; return kSuccess; }
Result cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return (ordinal >= 0 && ordinal < kDevices) || ordinal == kOldDevice ? kSuccess : kInvalidDevice;
}
Result cuDeviceGetName(char* name, int length, int) {
    snprintf(name, (size_t)length, "EMULATED, not a GPU");
    return kSuccess;
}
Result cuDeviceGetAttribute(int* value, int attribute, int device) {
    *value = attribute == 75 ? (device == kOldDevice ? 8 : 9) : attribute == 16 ? kSms : 0; // compute capability 9.0
    return kSuccess;
}
Result cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = kTotalBytes; return kSuccess; }
Result cuDevicePrimaryCtxRetain(void** context, int device) {
    *context = device == kOldDevice ? &the_old_context : &contexts[device];
    return kSuccess;
}
Result cuDevicePrimaryCtxRelease_v2(int device) {
    if (device != kOldDevice) memset(contexts[device].peers, 0, sizeof contexts[device].peers);
    return kSuccess;
}
Result cuCtxSetCurrent(void* context) { current_context = (Context*)context; return kSuccess; }
Result cuDeviceCanAccessPeer(int* can, int device, int peer) { *can = device != peer; return kSuccess; }
Result cuCtxEnablePeerAccess(void* context, unsigned) {
    std::lock_guard<std::mutex> guard(lock);
    Context* peer = (Context*)context;
    if (peer < contexts || peer >= contexts + kDevices || peer == current_context) return kInvalidValue;
    bool& is_enabled = current_context->peers[peer - contexts];
    if (is_enabled) return kPeerAlreadyEnabled;
    is_enabled = true;
    return kSuccess;
}

Result cuGetErrorName(Result error, const char** name) {
    *name = error == kInvalidValue ? "CUDA_ERROR_INVALID_VALUE" : error == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
            : error == kNotFound ? "CUDA_ERROR_NOT_FOUND" : error == kInvalidDevice ? "CUDA_ERROR_INVALID_DEVICE"
            : error == kNoBinaryForGpu ? "CUDA_ERROR_NO_BINARY_FOR_GPU" : error == kIllegalAddress ? "CUDA_ERROR_ILLEGAL_ADDRESS" : error == kPeerAlreadyEnabled ? "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED" : error == kLaunchFailed ? "CUDA_ERROR_LAUNCH_FAILED" : "?";
    return kSuccess;
}
Result cuGetErrorString(Result, const char** text) { *text = "emulated"; return kSuccess; }

Result cuMemAlloc_v2(DevicePointer* pointer, size_t bytes) {
    std::lock_guard<std::mutex> guard(lock);
    void* at = nullptr;
    if (bytes == 0) return kInvalidValue;
    if (bytes > kTotalBytes - current_context->allocated_bytes || posix_memalign(&at, 256, bytes) != 0) return kOutOfMemory;
    memset(at, 0xff, bytes < 4096 ? bytes : 4096); // not zeroed, as on a device
    *pointer = (DevicePointer)at;
    allocations[*pointer] = {bytes, current_context};
    current_context->allocated_bytes += bytes;
    return kSuccess;
}
Result cuMemFree_v2(DevicePointer pointer) {
    std::lock_guard<std::mutex> guard(lock);
    auto found = allocations.find(pointer);
    if (found == allocations.end()) return kInvalidValue;
    found->second.context->allocated_bytes -= found->second.bytes;
    allocations.erase(found);
    free((void*)pointer);
    return kSuccess;
}
Result cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
    std::lock_guard<std::mutex> guard(lock);
    *free_bytes = kTotalBytes - current_context->allocated_bytes;
    *total = kTotalBytes;
    return kSuccess;
}
Result cuMemAllocHost_v2(void** pointer, size_t bytes) {
    return posix_memalign(pointer, 4096, bytes) == 0 ? kSuccess : kOutOfMemory;
}
Result cuMemHostGetDevicePointer_v2(DevicePointer* pointer, void* host, unsigned) {
    *pointer = (DevicePointer)host; // unified addresses
    return kSuccess;
}
Result cuMemFreeHost(void* pointer) { free(pointer); return kSuccess; }

Result cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t bytes, Stream* stream) {
    if (!is_allocated(to, bytes)) return kInvalidValue;
    return submit(stream, [=] { memcpy((void*)to, from, bytes); return kSuccess; });
}
Result cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t bytes, Stream* stream) {
    if (!is_allocated(from, bytes)) return kInvalidValue;
    return submit(stream, [=] { memcpy(to, (const void*)from, bytes); return kSuccess; });
}
Result cuMemsetD8Async(DevicePointer at, unsigned char value, size_t bytes, Stream* stream) {
    if (!is_allocated(at, bytes)) return kInvalidValue;
    return submit(stream, [=] { memset((void*)at, value, bytes); return kSuccess; });
}

/** The image is only checked to be a fatbin: the kernels are those that were linked into this library. */
Result cuModuleLoadData(Module** module, const void* image) {
    unsigned magic;
    memcpy(&magic, image, 4);
    if (magic != 0xba55ed50u) return kInvalidValue;
    if (current_context == &the_old_context) return kNoBinaryForGpu;
    *module = new Module();
    return kSuccess;
}
Result cuModuleUnload(Module* module) { delete module; return kSuccess; }
Result cuModuleGetFunction(Function** function, Module* module, const char* name) {
    Dl_info self;
    dladdr((void*)cuModuleGetFunction, &self);
    void* library = dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    void* entry = library == nullptr ? nullptr : dlsym(library, name);
    if (entry == nullptr) return kNotFound;
    *function = &(module->functions[name] = {name, entry});
    return kSuccess;
}
Result cuFuncSetAttribute(Function* function, int attribute, int value) {
    if (attribute != 8 || value < 0 || value > 227 << 10) return kInvalidValue; // most dynamic shared bytes
    function->shared = (unsigned)value;
    return kSuccess;
}

Result cuLaunchKernel(Function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                      unsigned shared, Stream* stream, void** params, void** extra) {
    if (extra != nullptr || gx == 0 || gy == 0 || gz == 0 || gy > 65535 || gz > 65535) return kInvalidValue;
    if (bx * by * bz > 1024 || shared > f->shared) return kInvalidValue;
    std::vector<unsigned char> bytes(kParamBytes);
    memcpy(bytes.data(), params[0], kParamBytes); // taken at the launch, as a driver does
    Context* context = current_context;
    return submit(stream, [=]() -> Result {
        if (has_illegal_address(context, bytes)) return kIllegalAddress;
        const char* wrong = millrace::emulator::run_grid(f->name.c_str(), f->entry, Index{gx, gy, gz}, Index{bx, by, bz},
                                                         shared, bytes.data(), bytes.size());
        if (wrong == nullptr) return kSuccess;
        fprintf(stderr, "EMULATED GPU: %s\n", wrong);
        return kLaunchFailed;
    });
}

Result cuStreamCreate(Stream** stream, unsigned) { *stream = new Stream(); return kSuccess; }
Result cuStreamDestroy_v2(Stream* stream) { delete stream; return kSuccess; }
Result cuStreamSynchronize(Stream* stream) { return stream->failed; }
Result cuStreamBeginCapture_v2(Stream* stream, int) { stream->capture = new Graph(); return kSuccess; }
Result cuStreamEndCapture(Stream* stream, Graph** graph) {
    *graph = stream->capture;
    stream->capture = nullptr;
    return kSuccess;
}
Result cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long) {
    *executable = new Graph(*graph);
    return kSuccess;
}
Result cuGraphLaunch(Graph* graph, Stream* stream) {
    return submit(stream, [=] {
        for (auto& node : graph->nodes) {
            Result result = node();
            if (result != kSuccess) return result;
        }
        return kSuccess;
    });
}
Result cuGraphExecDestroy(Graph* graph) { delete graph; return kSuccess; }
Result cuGraphDestroy(Graph* graph) { delete graph; return kSuccess; }

} // extern "C"
