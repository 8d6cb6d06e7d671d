/* Where the configuration of the command is found. */
#include "cli/client_config.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mem.h"

static char *config_find(const struct cli *cli)
{
	const char *environment = getenv("TANDEM_CONFIG");
	const char *home = getenv("HOME");
	if (cli->config != NULL)
		return mem_strdup(cli->config);
	if (environment != NULL && *environment != '\0')
		return mem_strdup(environment);
	char *own = mem_printf("%s/.config/tandem/cli.yaml", home != NULL ? home : "");
	if (access(own, F_OK) == 0)
		return own;
	free(own);
	return access("/etc/tandem/cli.yaml", F_OK) == 0 ? mem_strdup("/etc/tandem/cli.yaml")
	                                                 : NULL;
}

int client_config_read(const struct cli *cli, struct config_cli *out)
{
	struct config_errors errors = {0};
	char *path = config_find(cli);
	if (path == NULL)
		return cli_fail(cli, CLI_USAGE,
		    "no configuration: looked for ~/.config/tandem/cli.yaml and "
		    "/etc/tandem/cli.yaml; write one with \"controllers\" and \"tls\" as tandem(1) "
		    "shows, or give --config FILE");
	int result = config_cli_load(path, out, &errors);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.lines[i]);
	config_errors_free(&errors);
	free(path);
	return result == 0 ? 0 : cli_fail(cli, CLI_USAGE, "the configuration is not valid");
}
