// What Framework builds, and what it leaves out: no fonts, scripts or searches of other
// hosts. dashboard/build says by the environment for which model and where to.
const model = process.env.DASHBOARD_MODEL ?? "model";

export default {
	root: process.env.DASHBOARD_ROOT ?? "src",
	output: process.env.DASHBOARD_OUT ?? "site",
	title: model,
	pages: [],
	sidebar: false,
	toc: false,
	pager: false,
	search: false,
	footer: "",
	header: "",
	style: "style.css",
	globalStylesheets: [],
	// without an icon, browsers ask for one that isn't there
	head: '<link rel="icon" href="data:,"><meta name="robots" content="noindex">',
	preserveExtension: false
};
