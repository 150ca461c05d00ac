"""The classes of scikit-learn that fitted models are pickled with, and how each may be made.

Out: full name → rule. A name, not a pattern: a module of scikit-learn also holds what it imports, and a pickle may name
that. Objects of Python classes are made empty and then given their state, so these are never called with arguments;
compiled classes are called with numbers, or through `newObj` with the class itself. Source: the pickles of every public
estimator of scikit-learn 1.9; a class that is missing here can be declared in the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipworthy.artifact.scan.allowed import Rule, never, scalars
from shipworthy.artifact.scan.values import Made, Ref

_MOST = 1 << 31
# module: classes, below `sklearn.`; only ever made empty.
_EMPTY = """
_loss.link: HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit
_loss.loss: AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss
    HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss
calibration: CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration _TemperatureScaling
cluster._affinity_propagation: AffinityPropagation
cluster._agglomerative: AgglomerativeClustering FeatureAgglomeration
cluster._bicluster: SpectralBiclustering SpectralCoclustering
cluster._birch: Birch _CFNode _CFSubcluster
cluster._bisect_k_means: BisectingKMeans _BisectingTree
cluster._dbscan: DBSCAN
cluster._hdbscan.hdbscan: HDBSCAN
cluster._kmeans: KMeans MiniBatchKMeans
cluster._mean_shift: MeanShift
cluster._optics: OPTICS
cluster._spectral: SpectralClustering
compose._column_transformer: ColumnTransformer
compose._target: TransformedTargetRegressor
covariance._elliptic_envelope: EllipticEnvelope
covariance._empirical_covariance: EmpiricalCovariance
covariance._graph_lasso: GraphicalLasso GraphicalLassoCV
covariance._robust_covariance: MinCovDet
covariance._shrunk_covariance: LedoitWolf OAS ShrunkCovariance
cross_decomposition._pls: CCA PLSCanonical PLSRegression PLSSVD
decomposition._dict_learning: DictionaryLearning MiniBatchDictionaryLearning SparseCoder
decomposition._factor_analysis: FactorAnalysis
decomposition._fastica: FastICA
decomposition._incremental_pca: IncrementalPCA
decomposition._kernel_pca: KernelPCA
decomposition._lda: LatentDirichletAllocation
decomposition._nmf: MiniBatchNMF NMF
decomposition._pca: PCA
decomposition._sparse_pca: MiniBatchSparsePCA SparsePCA
decomposition._truncated_svd: TruncatedSVD
discriminant_analysis: LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis
dummy: DummyClassifier DummyRegressor
ensemble._bagging: BaggingClassifier BaggingRegressor
ensemble._forest: ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor
    RandomTreesEmbedding
ensemble._gb: GradientBoostingClassifier GradientBoostingRegressor
ensemble._hist_gradient_boosting.binning: _BinMapper
ensemble._hist_gradient_boosting.gradient_boosting: HistGradientBoostingClassifier HistGradientBoostingRegressor
ensemble._hist_gradient_boosting.predictor: TreePredictor
ensemble._iforest: IsolationForest
ensemble._stacking: StackingClassifier StackingRegressor
ensemble._voting: VotingClassifier VotingRegressor
ensemble._weight_boosting: AdaBoostClassifier AdaBoostRegressor
feature_extraction._dict_vectorizer: DictVectorizer
feature_extraction._hash: FeatureHasher
feature_extraction.image: PatchExtractor
feature_extraction.text: CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer
feature_selection._from_model: SelectFromModel
feature_selection._rfe: RFE RFECV
feature_selection._sequential: SequentialFeatureSelector
feature_selection._univariate_selection: GenericUnivariateSelect SelectFdr SelectFpr SelectFwe SelectKBest
    SelectPercentile
feature_selection._variance_threshold: VarianceThreshold
frozen._frozen: FrozenEstimator
gaussian_process._gpc: GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace
gaussian_process._gpr: GaussianProcessRegressor
gaussian_process.kernels: CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern
    PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel
impute._base: MissingIndicator SimpleImputer
impute._iterative: IterativeImputer
impute._knn: KNNImputer
isotonic: IsotonicRegression
kernel_approximation: AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler
kernel_ridge: KernelRidge
linear_model._base: LinearRegression MultiOutputLinearModel
linear_model._bayes: ARDRegression BayesianRidge
linear_model._coordinate_descent: ElasticNet ElasticNetCV Lasso LassoCV MultiTaskElasticNet MultiTaskElasticNetCV
    MultiTaskLasso MultiTaskLassoCV
linear_model._glm.glm: GammaRegressor PoissonRegressor TweedieRegressor
linear_model._huber: HuberRegressor
linear_model._least_angle: Lars LarsCV LassoLars LassoLarsCV LassoLarsIC
linear_model._logistic: LogisticRegression LogisticRegressionCV
linear_model._omp: OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV
linear_model._passive_aggressive: PassiveAggressiveClassifier PassiveAggressiveRegressor
linear_model._perceptron: Perceptron
linear_model._quantile: QuantileRegressor
linear_model._ransac: RANSACRegressor
linear_model._ridge: Ridge RidgeCV RidgeClassifier RidgeClassifierCV _IdentityClassifier _IdentityRegressor
    _RidgeGCV
linear_model._stochastic_gradient: SGDClassifier SGDOneClassSVM SGDRegressor
linear_model._theil_sen: TheilSenRegressor
manifold._classical_mds: ClassicalMDS
manifold._isomap: Isomap
manifold._locally_linear: LocallyLinearEmbedding
manifold._mds: MDS
manifold._spectral_embedding: SpectralEmbedding
manifold._t_sne: TSNE
metrics._scorer: _CurveScorer _PassthroughScorer _Scorer
mixture._bayesian_mixture: BayesianGaussianMixture
mixture._gaussian_mixture: GaussianMixture
model_selection._classification_threshold: FixedThresholdClassifier TunedThresholdClassifierCV
model_selection._search: GridSearchCV RandomizedSearchCV
model_selection._search_successive_halving: HalvingGridSearchCV HalvingRandomSearchCV
model_selection._split: GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut
    PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold
    StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper
multiclass: OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier _ConstantPredictor
multioutput: ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain
naive_bayes: BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB
neighbors._classification: KNeighborsClassifier RadiusNeighborsClassifier
neighbors._graph: KNeighborsTransformer RadiusNeighborsTransformer
neighbors._kde: KernelDensity
neighbors._lof: LocalOutlierFactor
neighbors._nca: NeighborhoodComponentsAnalysis
neighbors._nearest_centroid: NearestCentroid
neighbors._regression: KNeighborsRegressor RadiusNeighborsRegressor
neighbors._unsupervised: NearestNeighbors
neural_network._multilayer_perceptron: MLPClassifier MLPRegressor
neural_network._rbm: BernoulliRBM
neural_network._stochastic_optimizers: AdamOptimizer SGDOptimizer
pipeline: FeatureUnion Pipeline
preprocessing._data: Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer PowerTransformer
    QuantileTransformer RobustScaler StandardScaler
preprocessing._discretization: KBinsDiscretizer
preprocessing._encoders: OneHotEncoder OrdinalEncoder
preprocessing._function_transformer: FunctionTransformer
preprocessing._label: LabelBinarizer LabelEncoder MultiLabelBinarizer
preprocessing._polynomial: PolynomialFeatures SplineTransformer
preprocessing._target_encoder: TargetEncoder
random_projection: GaussianRandomProjection SparseRandomProjection
semi_supervised._label_propagation: LabelPropagation LabelSpreading
semi_supervised._self_training: SelfTrainingClassifier
svm._classes: LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR
tree._classes: DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor
utils._bunch: Bunch
utils._metadata_requests: MetadataRequest MethodMetadataRequest
"""
# Functions that a model may carry and a pickle may not call.
_MENTIONED = """
cluster._kmeans: _kmeans_single_elkan _kmeans_single_lloyd
feature_selection._mutual_info: mutual_info_classif mutual_info_regression
feature_selection._univariate_selection: chi2 f_classif f_regression r_regression
metrics._classification: accuracy_score balanced_accuracy_score brier_score_loss f1_score log_loss precision_score
    recall_score
metrics._ranking: average_precision_score roc_auc_score
metrics._regression: mean_absolute_error mean_squared_error r2_score
"""
# Compiled classes without state of their own: called with a few numbers.
_NUMBERED = """
_loss._loss: CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss
    CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity CyHuberLoss CyPinballLoss
linear_model._sgd_fast: EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge
"""
# Compiled classes made by the `newObj` beside them. Distances by a function of the user's are left out.
_DISTANCES = """
BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Kulsinski Mahalanobis Manhattan Matching
Minkowski RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath
"""
_BY_NEW_OBJ: Mapping[str, tuple[str, ...]] = {
    "sklearn.metrics._dist_metrics": tuple(f"{one}Distance{bits}" for one in _DISTANCES.split() for bits in (32, 64)),
    "sklearn.neighbors._kd_tree": ("KDTree", "KDTree32", "KDTree64"),
    "sklearn.neighbors._ball_tree": ("BallTree", "BallTree32", "BallTree64"),
}


def _names(text: str) -> Iterator[str]:
    """The full names in `module: class class …` lines; an indented line goes on."""
    for line in text.strip().replace("\n    ", " ").splitlines():
        module, _, classes = line.partition(": ")
        yield from (f"sklearn.{module}.{one}" for one in classes.split())


def _tree(args: tuple[object, ...]) -> bool:
    """`Tree(features, array of classes, outputs)`: two sizes that allocate little, and an array between them."""
    if len(args) != 3:
        return False
    features, classes, outputs = args
    sizes = all(type(one) is int and 0 <= one < _MOST for one in (features, outputs))
    return sizes and isinstance(classes, Made) and classes.by.endswith(("._reconstruct", "._frombuffer", ".ndarray"))


def _new_object(module: str) -> Rule:
    """`newObj(cls)` of a module, with one of its own classes."""
    made = {f"{module}.{one}" for one in _BY_NEW_OBJ[module]}
    return lambda args: len(args) == 1 and isinstance(args[0], Ref) and args[0].name in made


def _few_numbers(args: tuple[object, ...]) -> bool:
    return len(args) <= 2 and scalars(args)


def _rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = dict.fromkeys((*_names(_EMPTY), *_names(_MENTIONED)), never)
    rules |= dict.fromkeys(_names(_NUMBERED), _few_numbers)
    for module, classes in _BY_NEW_OBJ.items():
        rules |= {f"{module}.{one}": never for one in classes} | {f"{module}.newObj": _new_object(module)}
    rules["sklearn.tree._tree.Tree"] = _tree
    return rules | dict.fromkeys((*_SCIPY_CLASSES, *_SCIPY_FUNCTIONS), never)


# What a fitted SplineTransformer carries from SciPy.
_SCIPY_CLASSES = ("scipy.interpolate._bsplines.BSpline",)
_SCIPY_FUNCTIONS = ("scipy._lib.array_api_compat.numpy._aliases.asarray",)
ESTIMATORS: Mapping[str, Rule] = _rules()
FUNCTIONS: frozenset[str] = frozenset((*_names(_MENTIONED), *_SCIPY_FUNCTIONS))
CLASSES: frozenset[str] = frozenset(one for one in ESTIMATORS if not one.endswith(".newObj")) - FUNCTIONS
