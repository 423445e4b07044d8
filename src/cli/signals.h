#pragma once

namespace calib8::cli {

/// SIGINT, SIGTERM and SIGHUP ask the running stage to stop and to clean up; a second one, of whatever kind,
/// ends the program where it is. SIGHUP stays ignored where it is (nohup). A reader that closes its pipe, and
/// a file that grows over its limit, become errors of the call that writes.
void install_signal_handlers();

}  // namespace calib8::cli
