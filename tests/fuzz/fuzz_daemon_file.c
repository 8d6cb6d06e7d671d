/* libFuzzer: any text as the file of a daemon. The first octet chooses which: c h d o, as in
 * controld, healthd, dnsd, operator. Bad ones give a reason, and freeing is always possible. */
#include <assert.h>

#include "config/daemon_load.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	union {
		struct config_controld controld;
		struct config_healthd healthd;
		struct config_dnsd dnsd;
		struct config_cli cli;
	} c;
	struct config_errors errors = {0};
	int r;
	if (bytes < 1)
		return 0;
	const char *path = scratch_write("daemon.yaml", data + 1, bytes - 1);
	switch (data[0]) {
	case 'c':
		r = config_controld_load(path, &c.controld, &errors);
		config_controld_free(&c.controld);
		break;
	case 'h':
		r = config_healthd_load(path, &c.healthd, &errors);
		config_healthd_free(&c.healthd);
		break;
	case 'o':
		r = config_cli_load(path, &c.cli, &errors);
		config_cli_free(&c.cli);
		break;
	default:
		r = config_dnsd_load(path, &c.dnsd, &errors);
		config_dnsd_free(&c.dnsd);
		break;
	}
	assert((r == 0) == (errors.count == 0));
	config_errors_free(&errors);
	return 0;
}
