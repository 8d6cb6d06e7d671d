/* The service document, stage by stage. */
#include "config/service_load.h"

#include "config/service_draft.h"

int service_load(const char *name, const char *text, size_t bytes, struct service **out,
    struct config_errors *errors)
{
	struct report report = {.file = name};
	struct service_draft draft = {.report = &report};
	struct yaml_tree tree = {0};

	*out = NULL;
	if (yaml_tree_parse(text, bytes, CONFIG_DOCUMENT_BYTES, &tree, &report) == 0) {
		draft.service = service_new();
		schema_fill(&service_table, &tree, NULL, &draft.raw, &report);
		if (tree.root != NULL) {
			service_build(&draft);
			service_check(&draft);
			service_build_names_files(&draft);
			service_check_spf(&draft);
			service_check_zones(&draft);
		}
		service_draft_release(&draft);
	}
	const int result = report_finish(&report, errors);

	if (result == 0)
		*out = draft.service;
	else
		service_drop(draft.service);
	yaml_tree_free(&tree);
	return result;
}
