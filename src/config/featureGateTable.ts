/**
 * The feature gates of kube-proxy 1.37.2: those of all Kubernetes, since its programs share one
 * table. Names, stages and defaults as its metric kubernetes_feature_enabled tells them; locked is
 * what it refuses to change.
 */

export interface GateGroup {
  readonly stage: 'alpha' | 'beta' | 'GA' | 'deprecated';
  readonly isOn: boolean;
  /** cannot be set to anything else */
  readonly isLocked: boolean;
  readonly names: readonly string[];
}

const group = (
  stage: GateGroup['stage'],
  isOn: boolean,
  isLocked: boolean,
  names: string,
): GateGroup => ({ stage, isOn, isLocked, names: names.trim().split(/\s+/) });

export const GATE_GROUPS: readonly GateGroup[] = [
  group(
    'alpha',
    false,
    false,
    `APIServerWebhookAuthenticationToken APIServingWithRoutine AllAlpha
     AtomicWriteVolumeUserFields CBORServingAndStorage CPUManagerPolicyAlphaOptions
     CRIListStreaming CSIVolumeHealth ClientsAllowCBOR ClientsPreferCBOR
     CloudControllerManagerWatchBasedRoutesReconciliation CloudControllerManagerWebhook
     CompositePodGroup ConsistentListFromCacheSkipTimeoutFallback ContainerStopSignals
     ControllerManagerReleaseLeaderElectionLockOnExit CrossNamespaceVolumeDataSource
     DRADerivedAttributes DRADeviceCompatibilityGroups DRAListTypeAttributes
     DRANodeAllocatableResources DRAOptionalNodeOperations DRAPartitionableDevicesType
     DRAResourcePoolStatus DefaultPodSysctls EmptyDirVolumeMode EventedPLEG EvictionRequestAPI
     GRPCContainerProbeTLS H2CContainerProbe ImageVolumeWithDigest
     InPlacePodVerticalScalingExclusiveCPUs InPlacePodVerticalScalingExclusiveMemory
     InPlacePodVerticalScalingMemoryBackedVolumes InPlacePodVerticalScalingSchedulerPreemption
     InterPodAffinityHostnameFastPath KubeProxyNFTablesLocalhostNodePorts
     KubeletAllocatedPodsEndpoint LoggingAlphaOptions MutablePVNodeAffinity
     NodeLifecycleConditions PodGroupPreemptionPolicy PodLogsQuerySplitStreams QOSReserved
     ReduceDefaultCrashLoopBackOffDecay RuntimeClassInImageCriApi SchedulerPreQueueingHints
     ShardedListAndWatch StatefulSetRecreateStrategy StorageVersionAPI
     TaintTolerationComparisonOperators TopologyAwareWorkloadScheduling
     TopologyManagerPolicyAlphaOptions UserNamespacesHostNetworkSupport VolumeBindMountOptions
     WindowsCPUAndMemoryAffinity WorkloadWithJob`,
  ),
  group(
    'beta',
    true,
    false,
    `APIResponseCompression APIServerIdentity AllowParsingUserUIDFromCertAuth
     AllowUnsafeMalformedObjectDeletion AtomicFIFO
     AuthorizePodWebsocketUpgradeCreatePermission CPUManagerPolicyBetaOptions
     CRDObservedGenerationTracking ClearingNominatedNodeNameAfterBinding
     ClientsAllowCARotation ClientsAllowTLSCacheGC ComponentFlagz ComponentStatusz
     ConcurrentWatchObjectDecode ConstrainedImpersonation ContainerCheckpoint
     ContainerRestartRules ContextualLogging DRAConsumableCapacity DRADeviceBindingConditions
     DRAPartitionableDevices DRAResourceClaimGranularStatusAuthorization
     DRASchedulerFilterTimeout DeclarativeValidationBeta
     DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency EnvFiles EtcdRangeStream
     ExcludeAdmissionWebhookVirtualResources ExtendWebSocketsToKubelet GracefulNodeShutdown
     GracefulNodeShutdownBasedOnPodPriority HPAGeneration HPAOptimizedSelectorStore
     HPAScaleToZero HugepageAwareEviction InOrderInformersBatchProcess
     InPlacePodLevelResourcesVerticalScaling KubeletCrashLoopBackOffMax
     KubeletEnsureSecretPulledImages KubeletInUserNamespace KubeletSeparateDiskGC
     KubeletServiceAccountTokenForCredentialProviders ListFromCacheSnapshot LoggingBetaOptions
     ManifestBasedAdmissionControlConfig MatchLabelKeysInPodTopologySpread
     MatchLabelKeysInPodTopologySpreadSelectorMerge MaxUnavailableStatefulSet MemoryQoS
     MutablePodResourcesForSuspendedJobs MutableSchedulingDirectivesForSuspendedJobs
     NFTablesNetlink NativeHistograms NodeControllerLeaseCircuitBreaker
     NominatedNodeNameForExpectation OpenAPIEnums OpportunisticBatching
     PersistentVolumeClaimUnusedSinceTime PodDeletionCost PodLevelResources
     PodLevelResourcesFixDefaulting PodLevelResourcesFixKubeletQOSClass
     PodTopologyLabelsAdmission PodsAPI PortForwardWebsockets ReloadKubeletClientCAFile
     ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus
     ResourceHealthStatusMessage RestartAllContainersOnContainerExits
     RotateKubeletServerCertificate SchedulerAsyncPreemption SchedulerPopFromBackoffQ
     ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate
     StaleControllerConsistencyDaemonSet StaleControllerConsistencyHPA
     StaleControllerConsistencyJob StaleControllerConsistencyReplicaSet
     StaleControllerConsistencyStatefulSet StatefulSetSemanticRevisionComparison
     StorageCapacityScoring StorageVersionHash StrictIPCIDRValidation
     StructuredAuthenticationConfigurationEgressSelector
     StructuredAuthenticationConfigurationJWKSMetrics TokenRequestServiceAccountUIDValidation
     TopologyManagerPolicyBetaOptions TranslateStreamCloseWebsocketRequests
     UnauthenticatedHTTP2DOSMitigation UnknownVersionInteroperabilityProxy
     UnlockWhileProcessingFIFO VolumeLimitScaling WatchList WatchListClient
     WatchListCompression WebhookRoundTripLoadBalancing WindowsGracefulNodeShutdown`,
  ),
  group(
    'beta',
    false,
    false,
    `AllBeta CoordinatedLeaderElection DRAFractionalCapacityRange DRAWorkloadResourceClaims
     GenericWorkload LocalStorageCapacityIsolationFSQuotaMonitoring
     PodAndContainerStatsFromCRI PodLevelResourceManagers SchedulerAsyncAPICalls`,
  ),
  group(
    'GA',
    true,
    false,
    `AllowServiceExternalIPs ClusterTrustBundle ClusterTrustBundleProjection
     CustomCPUCFSQuotaPeriod DRADeviceTaintRules DRADeviceTaints InformerResourceVersion
     MutatingAdmissionPolicy PodCertificateRequest SELinuxMount StorageVersionMigrator`,
  ),
  group(
    'GA',
    true,
    true,
    `CPUManagerPolicyOptions CRDValidationRatcheting CSIServiceAccountTokenSecrets
     CustomResourceFieldSelectors DRAAdminAccess DRAExtendedResource DRAPrioritizedList
     DRAResourceClaimDeviceStatus DeclarativeValidation DisableAllocatorDualWrite
     DynamicResourceAllocation ExecProbeTimeout ExternalServiceAccountTokenSigner
     HPAConfigurableTolerance HostnameOverride ImageMaximumGCAge ImageVolume InOrderInformers
     InPlacePodVerticalScaling InPlacePodVerticalScalingInitContainers JobManagedBy
     KubeletCgroupDriverFromCRI KubeletFineGrainedAuthz KubeletPSI
     KubeletPodResourcesDynamicResources KubeletPodResourcesGet KubeletTracing
     MatchLabelKeysInPodAffinity MultiCIDRServiceAllocator MutableCSINodeAllocatableCount
     NFTablesProxyMode NodeDeclaredFeatures NodeInclusionPolicyInPodTopologySpread
     NodeLogQuery NodeSwap PLEGOnDemandRelist PodObservedGenerationTracking
     PodReadyToStartContainersCondition PodSchedulingReadiness PreferSameTrafficDistribution
     ProcMountType RecoverVolumeExpansionFailure RecursiveReadOnlyMounts
     RelaxedEnvironmentVariableValidation RelaxedServiceNameValidation SELinuxChangePolicy
     SELinuxMountReadWriteOncePod SeparateTaintEvictionController ServiceAccountTokenJTI
     ServiceAccountTokenNodeBinding ServiceAccountTokenNodeBindingValidation
     ServiceAccountTokenPodNodeInfo SupplementalGroupsPolicy SystemdWatchdog
     TopologyManagerPolicyOptions UserNamespacesSupport VolumeAttributesClass
     WatchCacheInitializationPostStartHook WinDSR WinOverlay`,
  ),
  group(
    'deprecated',
    true,
    false,
    `KubeProxyIPVS KubeletPodResourcesListUseActivePods ServiceCIDRStatusFieldWiping
     StorageNamespaceIndex`,
  ),
  group(
    'deprecated',
    true,
    true,
    `AggregatedDiscoveryRemoveBetaType DisableCPUQuotaWithExclusiveCPUs
     DisableNodeKubeProxyVersion`,
  ),
  group(
    'deprecated',
    false,
    false,
    `AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests
     ChangeContainerStatusOnKubeletRestart KMSv1 KubeletRegistrationGetOnExistsOnly
     WindowsHostNetwork`,
  ),
  group(
    'deprecated',
    false,
    true,
    `AllowOverwriteTerminationGracePeriodSeconds DeclarativeValidationTakeover
     GitRepoVolumeDriver SeparateCacheWatchRPC`,
  ),
];
