//! Machines, containers and functions: EC2, Auto Scaling, load balancers, ECS, ECR, Lambda.

use super::{Call, Form, read, write};

pub(super) const CALLS: &[Call] = &[
    read("ec2", "DescribeInstances", "ec2:DescribeInstances")
        .request(r#"{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"tag:Service","valueSet":{"items":[{"value":"<service>"}]}}]}}"#),
    read("ec2", "DescribeInstanceStatus", "ec2:DescribeInstanceStatus")
        .request(r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]},"filterSet":{},"includeAllInstances":false}"#)
        .failure("Client.InvalidInstanceID.NotFound", "The instance ID '<instance>' does not exist"),
    read("ec2", "DescribeVolumes", "ec2:DescribeVolumes")
        .request(r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"<instance>"}]}}]}}"#),
    read("ec2", "DescribeSecurityGroups", "ec2:DescribeSecurityGroups")
        .request(r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"sg-0<hex16>"}]},"filterSet":{}}"#)
        .failure("Client.InvalidGroup.NotFound", "The security group 'sg-0<hex16>' does not exist"),
    read("ec2", "DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces")
        .request(r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"status","valueSet":{"items":[{"value":"available"}]}}]}}"#),
    write("ec2", "RunInstances", "ec2:RunInstances")
        .request(r#"{"instancesSet":{"items":[{"imageId":"ami-0<hex16>","minCount":1,"maxCount":1,"keyName":"ops-2025"}]},"groupSet":{"items":[{"groupId":"sg-0<hex16b>"}]},"instanceType":"<type>","blockDeviceMapping":{},"monitoring":{"enabled":false},"disableApiTermination":false,"clientToken":"<uuid>","iamInstanceProfile":{"arn":"arn:aws:iam::<account>:instance-profile/web-app-instance"},"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Service","value":"<service>"},{"key":"Owner","value":"Zoë – storefront"}]}]},"metadataOptions":{"httpTokens":"required"}}"#)
        .response(r#"{"requestId":"<uuid2>","reservationId":"r-0<hex16>","ownerId":"<account>","groupSet":{},"instancesSet":{"items":[{"instanceId":"<instance>","imageId":"ami-0<hex16>","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-20-4-17.<region>.compute.internal","keyName":"ops-2025","amiLaunchIndex":0,"productCodes":{},"instanceType":"<type>","launchTime":<epoch>,"placement":{"availabilityZone":"<region><zone>","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"subnet-0<hex16c>","vpcId":"vpc-0<hex16d>","privateIpAddress":"<private>","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","virtualizationType":"hvm","hypervisor":"xen","sourceDestCheck":true,"ebsOptimized":false}]}}"#)
        .target("arn:aws:ec2:<region>:<account>:instance/*")
        .failure("Server.InsufficientInstanceCapacity", "We currently do not have sufficient <type> capacity in the Availability Zone you requested."),
    write("ec2", "TerminateInstances", "ec2:TerminateInstances")
        .request(r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]}}"#)
        .response(r#"{"requestId":"<uuid2>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#)
        .target("arn:aws:ec2:<region>:<account>:instance/<instance>"),
    write("ec2", "StopInstances", "ec2:StopInstances")
        .request(r#"{"instancesSet":{"items":[{"instanceId":"<instance>"}]},"force":false}"#)
        .response(r#"{"requestId":"<uuid2>","instancesSet":{"items":[{"instanceId":"<instance>","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#)
        .target("arn:aws:ec2:<region>:<account>:instance/<instance>"),
    write("ec2", "CreateTags", "ec2:CreateTags")
        .request(r#"{"resourcesSet":{"items":[{"resourceId":"<instance>"}]},"tagSet":{"items":[{"key":"Service","value":"<service>"},{"key":"CostCenter","value":"4711"}]}}"#)
        .response(r#"{"requestId":"<uuid2>","_return":true}"#)
        .target("arn:aws:ec2:<region>:<account>:instance/<instance>"),
    write("ec2", "AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupIngress")
        .request(r#"{"groupId":"sg-0<hex16>","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"10.20.0.0/14","description":"intern – nur VPC"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#)
        .response(r#"{"requestId":"<uuid2>","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"<account>","groupId":"sg-0<hex16>","securityGroupRuleId":"sgr-0<hex16b>","isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"10.20.0.0/14"}]}}"#)
        .target("arn:aws:ec2:<region>:<account>:security-group/sg-0<hex16>")
        .failure("Client.InvalidPermission.Duplicate", "the specified rule \\\"peer: 10.20.0.0/14, TCP, from port: 443, to port: 443, ALLOW\\\" already exists"),
    write("ec2", "CreateSnapshot", "ec2:CreateSnapshot")
        .request(r#"{"volumeId":"vol-0<hex16>","description":"nightly <service>"}"#)
        .response(r#"{"requestId":"<uuid2>","snapshotId":"snap-0<hex16b>","volumeId":"vol-0<hex16>","status":"pending","startTime":<epoch>,"progress":"","ownerId":"<account>","volumeSize":"100","description":"nightly <service>","encrypted":true}"#)
        .target("arn:aws:ec2:<region>:<account>:volume/vol-0<hex16>"),
    write("ec2", "SharedSnapshotVolumeCreated", "")
        .form(Form::Notice)
        .request(r#"{"snapshotId":"snap-0<hex16>"}"#),
    read("autoscaling", "DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingGroups")
        .request(r#"{"autoScalingGroupNames":["web-app"],"maxRecords":100}"#)
        .failure("ThrottlingException", "Rate exceeded"),
    write("autoscaling", "SetDesiredCapacity", "autoscaling:SetDesiredCapacity")
        .request(r#"{"autoScalingGroupName":"web-app","desiredCapacity":4,"honorCooldown":true}"#)
        .target("arn:aws:autoscaling:<region>:<account>:autoScalingGroup:*:autoScalingGroupName/web-app"),
    read("elasticloadbalancing", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers")
        .request(r#"{"pageSize":400}"#)
        .api_version("2015-12-01"),
    read("elasticloadbalancing", "DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth")
        .request(r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<service>/0<hex16>"}"#)
        .api_version("2015-12-01")
        .failure("TargetGroupNotFoundException", "One or more target groups not found"),
    write("elasticloadbalancing", "RegisterTargets", "elasticloadbalancing:RegisterTargets")
        .request(r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<service>/0<hex16>","targets":[{"id":"<private>","port":8080}]}"#)
        .response("{}")
        .api_version("2015-12-01"),
    read("ecs", "DescribeServices", "ecs:DescribeServices")
        .request(r#"{"cluster":"<cluster>","services":["<service>"],"include":["TAGS"]}"#)
        .target("arn:aws:ecs:<region>:<account>:service/<cluster>/<service>")
        .failure("ClusterNotFoundException", "Cluster not found."),
    read("ecs", "DescribeTasks", "ecs:DescribeTasks")
        .request(r#"{"cluster":"<cluster>","tasks":["arn:aws:ecs:<region>:<account>:task/<cluster>/<hex16><hex16b>"]}"#)
        .target("arn:aws:ecs:<region>:<account>:task/<cluster>/*"),
    write("ecs", "UpdateService", "ecs:UpdateService")
        .request(r#"{"cluster":"<cluster>","service":"<service>","taskDefinition":"<service>:<n>","forceNewDeployment":true}"#)
        .response(r#"{"service":{"serviceArn":"arn:aws:ecs:<region>:<account>:service/<cluster>/<service>","serviceName":"<service>","clusterArn":"arn:aws:ecs:<region>:<account>:cluster/<cluster>","loadBalancers":[],"status":"ACTIVE","desiredCount":3,"runningCount":3,"pendingCount":0,"launchType":"FARGATE","platformVersion":"LATEST","taskDefinition":"arn:aws:ecs:<region>:<account>:task-definition/<service>:<n>","createdAt":"Mar 3, 2025, 9:14:07 AM","schedulingStrategy":"REPLICA","enableECSManagedTags":true,"propagateTags":"SERVICE"}}"#)
        .target("arn:aws:ecs:<region>:<account>:service/<cluster>/<service>"),
    write("ecs", "RegisterTaskDefinition", "ecs:RegisterTaskDefinition")
        .request(r#"{"family":"<service>","taskRoleArn":"arn:aws:iam::<account>:role/payments-task-role","executionRoleArn":"arn:aws:iam::<account>:role/ecs-execution","networkMode":"awsvpc","containerDefinitions":[{"name":"<service>","image":"<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<hex40>","cpu":512,"memory":1024,"essential":true,"environment":"HIDDEN_DUE_TO_SECURITY_REASONS"}],"requiresCompatibilities":["FARGATE"],"cpu":"512","memory":"1024"}"#)
        .response(r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:<region>:<account>:task-definition/<service>:<n>","family":"<service>","revision":<n>,"status":"ACTIVE","registeredAt":"<ustime>"}}"#),
    read("ecr", "GetAuthorizationToken", "ecr:GetAuthorizationToken"),
    read("ecr", "BatchGetImage", "ecr:BatchGetImage")
        .request(r#"{"registryId":"<account>","repositoryName":"<repository>","imageIds":[{"imageTag":"<hex40>"}],"acceptedMediaTypes":["application/vnd.docker.distribution.manifest.v2+json","application/vnd.oci.image.manifest.v1+json"]}"#)
        .resources(r#"[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<repository>","accountId":"<account>"}]"#)
        .target("arn:aws:ecr:<region>:<account>:repository/<repository>"),
    write("ecr", "PutImage", "ecr:PutImage")
        .request(r#"{"registryId":"<account>","repositoryName":"<repository>","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json","imageTag":"<hex40>","imageManifest":"{\n  \"schemaVersion\": 2,\n  \"config\": {\n    \"digest\": \"sha256:<hex64>\"\n  }\n}"}"#)
        .response(r#"{"image":{"registryId":"<account>","repositoryName":"<repository>","imageId":{"imageDigest":"sha256:<hex64>","imageTag":"<hex40>"}}}"#)
        .resources(r#"[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<repository>","accountId":"<account>"}]"#)
        .target("arn:aws:ecr:<region>:<account>:repository/<repository>")
        .failure("ImageAlreadyExistsException", "Image with digest 'sha256:<hex64>' and tag '<hex40>' already exists in the repository"),
    read("lambda", "ListFunctions20150331", "lambda:ListFunctions")
        .request(r#"{"maxItems":50}"#)
        .failure("ThrottlingException", "Rate exceeded"),
    read("lambda", "GetFunction20150331v2", "lambda:GetFunction")
        .request(r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>"}"#)
        .target("arn:aws:lambda:<region>:<account>:function:<function>")
        .failure("ResourceNotFoundException", "Function not found: arn:aws:lambda:<region>:<account>:function:<function>"),
    write("lambda", "UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode")
        .request(r#"{"functionName":"<function>","s3Bucket":"<bucket>","s3Key":"lambda/<function>/<hex40>.zip","publish":true,"dryRun":false}"#)
        .response(r#"{"functionName":"<function>","functionArn":"arn:aws:lambda:<region>:<account>:function:<function>","runtime":"python3.13","role":"arn:aws:iam::<account>:role/orders-fn-role","handler":"app.handler","codeSize":<bytes>,"description":"","timeout":30,"memorySize":512,"lastModified":"<time>","codeSha256":"<base64>==","version":"<n>","tracingConfig":{"mode":"Active"},"revisionId":"<uuid2>","state":"Active","lastUpdateStatus":"InProgress","packageType":"Zip","architectures":["arm64"],"ephemeralStorage":{"size":512}}"#)
        .target("arn:aws:lambda:<region>:<account>:function:<function>"),
    write("lambda", "Invoke", "lambda:InvokeFunction")
        .data()
        .request(r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<function>","invocationType":"RequestResponse","sourceArn":"arn:aws:execute-api:<region>:<account>:a1b2c3d4e5/live/POST/orders","sourceAccount":"<account>"}"#)
        .additional(r#"{"functionVersion":"arn:aws:lambda:<region>:<account>:function:<function>:$LATEST"}"#)
        .resources(r#"[{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:<region>:<account>:function:<function>"}]"#)
        .target("arn:aws:lambda:<region>:<account>:function:<function>"),
];
