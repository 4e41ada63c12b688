// The npm simulator's side of `benches/decide.rs`. Argument: where it is installed. On standard input a case a line, an
// empty line, then milliseconds a line; on standard output the verdicts, then decisions a second a line.
// Policies are parsed once, and the same text once: what is timed is `authorize` with a request made ready.
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';

const from = (name, path) => import(pathToFileURL(`${process.argv[2]}/node_modules/@cloud-copilot/${name}/dist/esm/${path}`));
const {loadPolicy} = await from('iam-policy', 'index.js');
const {authorize} = await from('iam-simulate', 'core_engine/CoreSimulatorEngine.js');
const {AwsRequestImpl} = await from('iam-simulate', 'request/request.js');
const {RequestContextImpl} = await from('iam-simulate', 'requestContext.js');
const {DiscoveryContextKeyConstraints} = await from('iam-simulate', 'context_keys/discoveryContextKeyConstraints.js');

const known = new Map();
const policy = (document, name) => {
  const text = JSON.stringify(document);
  if (!known.has(text)) known.set(text, loadPolicy(document, {name: String(name)}));
  return known.get(text);
};
const all = list => list?.map(policy);
const everything = {Version: '2012-10-17', Statement: [{Effect: 'Allow', Action: '*', Resource: '*'}]};
const levels = (list, standing) =>
  (list ?? []).map(level => ({orgIdentifier: level.target, policies: [...standing, ...all(level.policies)]}));

const ready = ({policies, boundary, scps, rcps, resource_policy, session_policy, endpoint_policies, mode, request}) => ({
  request: new AwsRequestImpl(request.principal, {resource: request.resource, accountId: request.resource_account},
    request.action, new RequestContextImpl(request.context ?? {}), request.wildcard_only_action),
  identityPolicies: all(policies),
  permissionBoundaries: all(boundary) ?? undefined,
  sessionPolicy: session_policy ? policy(session_policy, 'session') : undefined,
  resourcePolicy: resource_policy ? policy(resource_policy, 'resource') : undefined,
  serviceControlPolicies: levels(scps, []),
  resourceControlPolicies: levels(rcps, [policy(everything, 'RCPFullAWSAccess')]),
  vpcEndpointPolicies: all(endpoint_policies) ?? undefined,
  simulationParameters: {simulationMode: mode ?? 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])},
});

const cases = [];
let told = false;
for await (const line of createInterface({input: process.stdin, crlfDelay: Infinity})) {
  if (line && !told) {
    cases.push(ready(JSON.parse(line)));
  } else if (!told) {
    told = true;
    console.log(JSON.stringify({version: process.version, verdicts: cases.map(one => authorize(one).result)}));
  } else {
    const start = performance.now();
    let [count, spent] = [0, 0];
    // Of the peer's many thousands only some fit into a turn: the clock is looked at after each few.
    while (spent < Number(line)) {
      for (let at = 0; at < 64; at++, count++) authorize(cases[count % cases.length]);
      spent = performance.now() - start;
    }
    console.log(count / spent * 1000);
  }
}
