// The globals of the npm files, whose types are not checked here.
declare const React: any;
declare const ReactDOM: any;
declare const GraphiQL: any;
declare const GraphiQLPluginExplorer: any;
